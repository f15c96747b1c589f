/// One change of an execution or a job, as a watch shows it (SPEC §8.9).
public struct JobExecutionEvent: Sendable, Equatable {
    public typealias Actor = JobExecutionHistoryEntry.Actor

    /// What changed.
    public enum Subject: Sendable, Equatable {
        /// An execution was queued or changed.
        case execution(JobExecutionEventState)
        /// An attempt was deleted; `from` is its last status.
        case executionDeleted(
            thingName: ThingName, executionNumber: Int64, versionNumber: Int64, retryAttempt: UInt16,
            from: JobExecutionStatus)
        /// A job was created (`from` is nothing), updated (`from` equals `to`), or got another status.
        case job(from: JobStatus?, to: JobStatus)
        /// A job is gone; `from` is its last status.
        case jobDeleted(from: JobStatus)
    }

    /// Its place among all changes of the server; a watch that begins again from it goes on behind it.
    public var revision: UInt64
    /// Milliseconds since 1970.
    public var atMilliseconds: Int64
    public var actor: Actor
    public var jobId: JobId
    public var subject: Subject

    package init(revision: UInt64, atMilliseconds: Int64, actor: Actor, jobId: JobId, subject: Subject) {
        self.revision = revision
        self.atMilliseconds = atMilliseconds
        self.actor = actor
        self.jobId = jobId
        self.subject = subject
    }

    /// The thing whose execution changed; nothing for a change of a job as a whole.
    public var thingName: ThingName? {
        switch subject {
        case .execution(let state): state.thingName
        case .executionDeleted(let thingName, _, _, _, _): thingName
        case .job, .jobDeleted: nil
        }
    }
}

/// An execution as it was right after a change (SPEC §8.9).
public struct JobExecutionEventState: Sendable, Equatable {
    public var thingName: ThingName
    public var executionNumber: Int64
    public var versionNumber: Int64
    /// How many attempts of this job on this thing came before.
    public var retryAttempt: UInt16
    /// What it was before; nothing if it was queued just now.
    public var from: JobExecutionStatus?
    public var to: JobExecutionStatus
    public var forceCanceled: Bool
    public var statusDetails: StatusDetails

    package init(
        thingName: ThingName, executionNumber: Int64, versionNumber: Int64, retryAttempt: UInt16,
        from: JobExecutionStatus?, to: JobExecutionStatus, forceCanceled: Bool, statusDetails: StatusDetails
    ) {
        self.thingName = thingName
        self.executionNumber = executionNumber
        self.versionNumber = versionNumber
        self.retryAttempt = retryAttempt
        self.from = from
        self.to = to
        self.forceCanceled = forceCanceled
        self.statusDetails = statusDetails
    }
}
