public import ErrandCore

/// What to make of an execution, decided on its state (SPEC §9.8).
public struct JobExecutionDecision: Sendable, Equatable {
    /// IN_PROGRESS, SUCCEEDED, FAILED or REJECTED.
    public var status: JobExecutionStatus
    /// Replaces the stored details; nothing leaves them.
    public var statusDetails: StatusDetails?
    /// Lays `statusDetails` over the stored ones instead of replacing them.
    public var mergeStatusDetails: Bool
    /// Starts the step timer anew, 1 to 10,080 minutes; −1 ends it.
    public var stepTimeoutInMinutes: Int64?

    public init(
        _ status: JobExecutionStatus, statusDetails: StatusDetails? = nil, mergeStatusDetails: Bool = false,
        stepTimeoutInMinutes: Int64? = nil
    ) {
        self.status = status
        self.statusDetails = statusDetails
        self.mergeStatusDetails = mergeStatusDetails
        self.stepTimeoutInMinutes = stepTimeoutInMinutes
    }
}

extension JobExecutionClient {
    /// Updates an execution by a decision on its state, however many others do so too: describes it, asks `decide`, sends the
    /// update with the version that was decided on, and when somebody was faster asks again, on the state that the refusal
    /// carries (SPEC §9.6, §9.8).
    ///
    /// - Parameter executionNumber: which attempt; the latest at the beginning if absent. It stays the same throughout.
    /// - Parameter attempts: how often an update is sent before VERSION_MISMATCH is thrown; at least 1.
    /// - Parameter timeout: for each of the calls.
    /// - Parameter decide: nothing leaves the execution as it is. It may be asked many times, and has to look at the status:
    ///   the execution may have ended.
    /// - Returns: What the update made of it; nothing if `decide` wanted none.
    /// - Throws: `ErrandError`: NOT_FOUND; INVALID_STATE_TRANSITION if `decide` wants to change an execution that has ended;
    ///   VERSION_MISMATCH after `attempts` refusals. When `applied` is `.unknown` the last decision may have been applied.
    @discardableResult
    public func updateJobExecution(
        jobId: String, thingName: String, executionNumber: Int64? = nil, attempts: Int = 16, timeout: Duration? = nil,
        decide: (_ state: JobExecutionState) -> JobExecutionDecision?
    ) async throws(ErrandError) -> JobExecutionChange? {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        let execution = try await describeJobExecution(
            DescribeJobExecutionRequest(jobId: jobId, thingName: thingName, executionNumber: executionNumber),
            timeout: timeout)
        var state = JobExecutionState(
            status: execution.status, versionNumber: execution.versionNumber,
            executionNumber: execution.executionNumber, statusDetails: execution.statusDetails)
        var attempt = 1
        while let decision = decide(state) {
            do throws(ErrandError) {
                return try await updateJobExecution(
                    UpdateJobExecutionRequest(
                        jobId: jobId, thingName: thingName, status: decision.status,
                        statusDetails: decision.statusDetails, mergeStatusDetails: decision.mergeStatusDetails,
                        expectedVersion: state.versionNumber, executionNumber: execution.executionNumber,
                        stepTimeoutInMinutes: decision.stepTimeoutInMinutes), timeout: timeout)
            } catch {
                guard error.code == .versionMismatch, error.applied == .no, attempt < attempts,
                    let fresh = error.executionState
                else { throw error }
                state = fresh
                attempt += 1
            }
        }
        return nil
    }
}
