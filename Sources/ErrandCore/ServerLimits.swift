/// How much a server remembers and does at once (SPEC §12). `SpecificationTests` compares it with the text.
package enum ServerLimits {
    /// A staged job is dropped after this long without progress.
    package static let stagedJobTimeoutMilliseconds: Int64 = 600_000
    /// How many jobs may be DELETION_IN_PROGRESS.
    package static let jobDeletionCountMax = 10
    /// How many jobs the server keeps, staged ones included.
    package static let jobCountMax = 100_000
    /// How many of them may be staged.
    package static let stagedJobCountMax = 1000
    /// How many targets the staged jobs may announce together.
    package static let stagedTargetCountMax = 4_000_000
    /// How many executions all jobs may come to have, with all the retries that they permit.
    package static let executionCountMax = 50_000_000
    /// How many targets of a new job are queued before CreateJob or AddJobTargets is answered.
    package static let promptTargetCountMax = 4096
    /// How many calls with an idempotency key an execution, or a job, remembers.
    package static let idempotencyKeyCountMin = 8
    /// How many deletions with an idempotency key the server remembers.
    package static let deletionKeyCountMin = 4096
    /// Of an execution's history, on top of its birth: the first changes,
    package static let historyFirstChangeCount = 4
    /// the last changes,
    package static let historyLastChangeCount = 12
    /// the last reports that were refused after the end,
    package static let historyRefusedReportCount = 8
    /// and the bytes of all of these; long details make for fewer entries.
    package static let historyByteCountMax = 4096
    /// How many events the server keeps for watches that are begun again.
    package static let watchHistoryEventCount = 65_536
    /// How many bytes of status details these may keep together; long details make for fewer events.
    package static let watchHistoryDetailsByteCountMax = 268_435_456
    /// How many events may wait for one watch.
    package static let watchLagEventCountMax = 4096
    /// How many watches a connection may have.
    package static let watchCountMax = 1024
    /// How often a quiet watch is told up to where it is complete.
    package static let watchBookmarkIntervalMilliseconds: Int64 = 10_000
}
