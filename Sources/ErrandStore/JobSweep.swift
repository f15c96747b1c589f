import ErrandCore

/// What a job's cancel or deletion does to all its executions, whether or not it has reached them one by one.
///
/// Kept in an atomic of the job and looked at on every access to an execution, so that the effect is visible at once
/// although a large job is worked off in slices. Flags are only ever added.
struct SweepFlags: OptionSet {
    let rawValue: UInt8

    /// What is stored as QUEUED is CANCELED.
    static let canceled = SweepFlags(rawValue: 1)
    /// What is stored as IN_PROGRESS is CANCELED too.
    static let forced = SweepFlags(rawValue: 2)
    /// No execution exists any more.
    static let deleted = SweepFlags(rawValue: 4)
}

/// The particulars of a cancel.
struct JobSweep {
    /// When QUEUED executions ended, and whether with force.
    var canceledAt = Int64.max
    var cancelWasForced = false
    /// When IN_PROGRESS executions ended.
    var forcedAt = Int64.max
    var actor = HistoryActor.fleetOperator
    /// Up to where the job's executions have been worked off.
    var position = 0
}
