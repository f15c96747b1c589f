public import ErrandCore
internal import ErrandWire

extension JobExecutionClient {
    /// Describes an execution in any state, as an operator (SPEC §9.6).
    ///
    /// - Throws: `ErrandError`: NOT_FOUND if there is no such execution. A read; safe to repeat.
    public func describeJobExecution(
        _ request: DescribeJobExecutionRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecution {
        var (execution, thingArnPrefix) = try await answer(request, key: request.thingName, timeout: timeout)
        execution.thingArnPrefix = thingArnPrefix
        return execution
    }

    /// Describes an execution in any state, as an operator (SPEC §9.6).
    public func describeJobExecution(
        jobId: String, thingName: String, executionNumber: Int64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecution {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        return try await describeJobExecution(
            DescribeJobExecutionRequest(jobId: jobId, thingName: thingName, executionNumber: executionNumber),
            timeout: timeout)
    }

    /// Describes one of a device's own executions (SPEC §9.7); a terminal one is TERMINAL_STATE with its state.
    ///
    /// - Returns: Nothing if `jobId` is absent (`$next`) and no execution is pending.
    public func describeOwnJobExecution(
        _ request: DescribeOwnJobExecutionRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecution? {
        let reply = try await call(request, key: request.thingName, timeout: timeout)
        return reply.execution.map(withArn)
    }

    /// What a device would get next, without starting it: `$next` (SPEC §9.7).
    public func describeNextJobExecution(
        thingName: String, includeJobDocument: Bool = true, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecution? {
        try await describeOwnJobExecution(
            DescribeOwnJobExecutionRequest(
                jobId: nil, thingName: Self.thing(thingName), includeJobDocument: includeJobDocument), timeout: timeout)
    }

    /// Reports a device's progress or its end (SPEC §9.8).
    ///
    /// Sent again by itself after a lost connection, until its deadline: the key makes that one change.
    /// - Throws: `ErrandError`: VERSION_MISMATCH and INVALID_STATE_TRANSITION carry the current state. When `applied` is
    ///   `.unknown` the report may have been taken: describe before you repeat it, or repeat it with a key of your own.
    public func updateJobExecution(
        _ request: UpdateJobExecutionRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        try await change(request, key: request.thingName, timeout: timeout)
    }

    /// Reports a device's progress or its end (SPEC §9.8).
    public func updateJobExecution(
        jobId: String, thingName: String, status: JobExecutionStatus, statusDetails: [String: String]? = nil,
        expectedVersion: Int64? = nil, executionNumber: Int64? = nil, stepTimeoutInMinutes: Int64? = nil,
        timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        return try await updateJobExecution(
            UpdateJobExecutionRequest(
                jobId: jobId, thingName: thingName, status: status, statusDetails: Self.details(statusDetails),
                expectedVersion: expectedVersion, executionNumber: executionNumber,
                stepTimeoutInMinutes: stepTimeoutInMinutes), timeout: timeout)
    }

    /// Cancels an execution, as an operator; one that is IN_PROGRESS only with `force` (SPEC §9.9).
    ///
    /// - Throws: `ErrandError`: INVALID_STATE_TRANSITION if it has ended or needs force, with the state.
    public func cancelJobExecution(
        _ request: CancelJobExecutionRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        try await change(request, key: request.thingName, timeout: timeout)
    }

    /// Cancels an execution, as an operator; one that is IN_PROGRESS only with `force` (SPEC §9.9).
    public func cancelJobExecution(
        jobId: String, thingName: String, force: Bool = false, expectedVersion: Int64? = nil,
        executionNumber: Int64? = nil, statusDetails: [String: String]? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionChange {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        return try await cancelJobExecution(
            CancelJobExecutionRequest(
                jobId: jobId, thingName: thingName, force: force, expectedVersion: expectedVersion,
                executionNumber: executionNumber, statusDetails: Self.details(statusDetails)), timeout: timeout)
    }

    /// Starts the head of a device's pending list, or returns it again if it is started already (SPEC §9.10).
    ///
    /// - Returns: The execution with its document; nothing if none is pending. Safe to repeat.
    public func startNextPendingJobExecution(
        _ request: StartNextPendingJobExecutionRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecution? {
        let reply = try await change(request, key: request.thingName, timeout: timeout)
        return reply.execution.map(withArn)
    }

    /// Starts the head of a device's pending list, or returns it again if it is started already (SPEC §9.10).
    public func startNextPendingJobExecution(
        thingName: String, statusDetails: [String: String]? = nil, stepTimeoutInMinutes: Int64? = nil,
        timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecution? {
        try await startNextPendingJobExecution(
            StartNextPendingJobExecutionRequest(
                thingName: Self.thing(thingName), statusDetails: Self.details(statusDetails),
                stepTimeoutInMinutes: stepTimeoutInMinutes), timeout: timeout)
    }

    // MARK: Names

    func withArn(_ execution: JobExecution) -> JobExecution {
        var execution = execution
        execution.thingArnPrefix = thingArnPrefix
        return execution
    }

    static func thing(_ name: String) throws(ErrandError) -> ThingName {
        do throws(InvalidField) { return try ThingName(name) } catch { throw ErrandError(error) }
    }

    static func job(_ id: String) throws(ErrandError) -> JobId {
        do throws(InvalidField) { return try JobId(id) } catch { throw ErrandError(error) }
    }

    static func names(_ jobId: String, _ thingName: String) throws(ErrandError) -> (JobId, ThingName) {
        (try job(jobId), try thing(thingName))
    }

    static func details(_ map: [String: String]?) throws(ErrandError) -> StatusDetails? {
        guard let map else { return nil }
        do throws(InvalidField) {
            return try StatusDetails(map.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
        } catch {
            throw ErrandError(error)
        }
    }
}
