public import ErrandCore

/// An execution that a device works on: what to do, and how to say how far it has come.
///
/// Every report names the attempt that was handed out, so that it can never touch a later one. None insists on a version
/// unless you give `expectedVersion`: nothing remembers it behind your back. Reports are sent again by themselves after a
/// lost connection. A report that comes after the end, such as after a cancel, throws `ErrandError` with
/// INVALID_STATE_TRANSITION and the state: then stop working (SPEC §9.8).
public struct StartedJobExecution: Sendable {
    /// As it was when it was handed out; `jobDocument` says what to do.
    public let execution: JobExecution
    let client: JobExecutionClient

    public var jobId: JobId { execution.jobId }
    public var thingName: ThingName { execution.thingName }
    public var executionNumber: Int64 { execution.executionNumber }
    /// What to do, as JSON.
    public var jobDocument: String { execution.jobDocument ?? "" }

    /// Reports that `done` of `total` steps are done: the detail `progress` is `done/total`, before `details`.
    ///
    /// - Parameter keepsOtherDetails: whether details of earlier reports stay where these have no such key.
    /// - Parameter stepTimeoutInMinutes: if no report comes for so long the execution is TIMED_OUT; −1 ends that timer.
    /// - Throws: `ErrandError`; INVALID_REQUEST if the details with `progress` are more than ten.
    @discardableResult
    public func reportProgress(
        done: Int, total: Int, details: StatusDetails = StatusDetails(), keepsOtherDetails: Bool = false,
        expectedVersion: Int64? = nil, stepTimeoutInMinutes: Int64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        let all: StatusDetails
        do throws(InvalidField) {
            all = try StatusDetails([(key: "progress", value: "\(done)/\(total)")]).merging(details)
        } catch {
            throw ErrandError(error)
        }
        return try await report(
            .inProgress, all, merges: keepsOtherDetails, expectedVersion, stepTimeoutInMinutes, timeout)
    }

    /// It is done. Without `details` the stored ones stay.
    @discardableResult
    public func succeed(
        _ details: StatusDetails? = nil, expectedVersion: Int64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        try await report(.succeeded, details, merges: false, expectedVersion, nil, timeout)
    }

    /// It went wrong; the job may have the device try again, as a new attempt.
    @discardableResult
    public func fail(
        _ details: StatusDetails? = nil, expectedVersion: Int64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        try await report(.failed, details, merges: false, expectedVersion, nil, timeout)
    }

    /// This device cannot do it, and will not when it is asked again: a document that it does not understand.
    @discardableResult
    public func reject(
        _ details: StatusDetails? = nil, expectedVersion: Int64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        try await report(.rejected, details, merges: false, expectedVersion, nil, timeout)
    }

    private func report(
        _ status: JobExecutionStatus, _ details: StatusDetails?, merges: Bool, _ expectedVersion: Int64?,
        _ stepTimeoutInMinutes: Int64?, _ timeout: Duration?
    ) async throws(ErrandError) -> JobExecutionChange {
        try await client.updateJobExecution(
            UpdateJobExecutionRequest(
                jobId: jobId, thingName: thingName, status: status, statusDetails: details,
                mergeStatusDetails: merges, expectedVersion: expectedVersion, executionNumber: executionNumber,
                stepTimeoutInMinutes: stepTimeoutInMinutes), timeout: timeout)
    }
}
