/// An operator's cancel (SPEC §9.9).
public struct CancelJobExecutionRequest: Sendable, Equatable {
    public var jobId: JobId
    public var thingName: ThingName
    /// Needed to cancel an execution that is IN_PROGRESS.
    public var force: Bool
    /// Refuse with VERSION_MISMATCH unless this is the current version.
    public var expectedVersion: Int64?
    public var executionNumber: Int64?
    /// Replaces the stored details; nothing keeps what the device wrote.
    public var statusDetails: StatusDetails?
    /// Sending it again with the same key changes nothing twice.
    public var idempotencyKey: IdempotencyKey?

    public init(
        jobId: JobId, thingName: ThingName, force: Bool = false, expectedVersion: Int64? = nil,
        executionNumber: Int64? = nil, statusDetails: StatusDetails? = nil, idempotencyKey: IdempotencyKey? = nil
    ) {
        self.jobId = jobId
        self.thingName = thingName
        self.force = force
        self.expectedVersion = expectedVersion
        self.executionNumber = executionNumber
        self.statusDetails = statusDetails
        self.idempotencyKey = idempotencyKey
    }
}
