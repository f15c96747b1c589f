/// A device's report (SPEC §9.8).
public struct UpdateJobExecutionRequest: Sendable, Equatable {
    public var jobId: JobId
    public var thingName: ThingName
    /// IN_PROGRESS, SUCCEEDED, FAILED or REJECTED; the server refuses the others.
    public var status: JobExecutionStatus
    /// Replaces the stored details; nothing leaves them; empty clears them.
    public var statusDetails: StatusDetails?
    /// Lays `statusDetails` over the stored ones instead of replacing them.
    public var mergeStatusDetails: Bool
    /// Refuse with VERSION_MISMATCH unless this is the current version.
    public var expectedVersion: Int64?
    /// The latest attempt if absent.
    public var executionNumber: Int64?
    /// Starts the step timer anew, 1 to 10,080 minutes; −1 ends it.
    public var stepTimeoutInMinutes: Int64?
    public var includeJobExecutionState: Bool
    public var includeJobDocument: Bool
    /// Sending it again with the same key changes nothing twice.
    public var idempotencyKey: IdempotencyKey?

    public init(
        jobId: JobId, thingName: ThingName, status: JobExecutionStatus, statusDetails: StatusDetails? = nil,
        mergeStatusDetails: Bool = false, expectedVersion: Int64? = nil, executionNumber: Int64? = nil,
        stepTimeoutInMinutes: Int64? = nil, includeJobExecutionState: Bool = false, includeJobDocument: Bool = false,
        idempotencyKey: IdempotencyKey? = nil
    ) {
        self.jobId = jobId
        self.thingName = thingName
        self.status = status
        self.statusDetails = statusDetails
        self.mergeStatusDetails = mergeStatusDetails
        self.expectedVersion = expectedVersion
        self.executionNumber = executionNumber
        self.stepTimeoutInMinutes = stepTimeoutInMinutes
        self.includeJobExecutionState = includeJobExecutionState
        self.includeJobDocument = includeJobDocument
        self.idempotencyKey = idempotencyKey
    }
}
