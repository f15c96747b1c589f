/// What a watch is for (SPEC §9.23). What is named need not exist yet.
public enum WatchScope: Sendable, Hashable {
    /// Every job and every execution.
    case everything
    /// The job and all its executions.
    case job(JobId)
    /// All executions of the thing.
    case thing(ThingName)
    /// All attempts of the job on the thing.
    case execution(JobId, ThingName)
    /// The pending list of the thing: notifications in place of events.
    case queue(ThingName)
}
