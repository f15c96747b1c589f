public import ErrandCore
internal import ErrandWire

extension JobExecutionClient {
    /// Cancels a job: its QUEUED executions become CANCELED, with `force` also those IN_PROGRESS, and what is not yet queued
    /// never is (SPEC §9.15). Every later read sees it.
    ///
    /// Sent again by itself after a lost connection; canceling a canceled job is a success without change.
    /// - Returns: The job as it is then.
    /// - Throws: `ErrandError`: NOT_FOUND; INVALID_STATE_TRANSITION if the job is COMPLETED or being deleted; INVALID_REQUEST
    ///   if `reasonCode` is not up to 128 of `[A-Z0-9_]` or `comment` has more than 2,028 characters.
    @discardableResult
    public func cancelJob(_ request: CancelJobRequest, timeout: Duration? = nil) async throws(ErrandError) -> Job {
        try await change(request, key: request.jobId, timeout: timeout)
    }

    /// Cancels a job (SPEC §9.15).
    @discardableResult
    public func cancelJob(
        jobId: String, force: Bool = false, reasonCode: String? = nil, comment: String? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> Job {
        try await cancelJob(
            CancelJobRequest(jobId: Self.job(jobId), force: force, reasonCode: reasonCode, comment: comment),
            timeout: timeout)
    }

    /// Deletes a job and all its executions; one that is neither COMPLETED nor CANCELED only with `force` (SPEC §9.16).
    ///
    /// Sent again by itself after a lost connection. When it has gone its id is free, and numbering begins anew.
    /// - Throws: `ErrandError`: NOT_FOUND; INVALID_STATE_TRANSITION if it needs force; LIMIT_EXCEEDED while too many large
    ///   jobs are being deleted.
    public func deleteJob(_ request: DeleteJobRequest, timeout: Duration? = nil) async throws(ErrandError) {
        _ = try await change(request, key: request.jobId, timeout: timeout)
    }

    /// Deletes a job and all its executions (SPEC §9.16).
    public func deleteJob(jobId: String, force: Bool = false, timeout: Duration? = nil) async throws(ErrandError) {
        try await deleteJob(DeleteJobRequest(jobId: Self.job(jobId), force: force), timeout: timeout)
    }

    /// Changes what may be changed of a job that is IN_PROGRESS; what is absent stays (SPEC §9.17).
    ///
    /// A rollout replaces the whole rollout, abort criteria all criteria; a time limit is for executions that become
    /// IN_PROGRESS afterwards; retries can only be ended. Sent again by itself after a lost connection.
    /// - Returns: The job as it is then.
    /// - Throws: `ErrandError`: NOT_FOUND; INVALID_STATE_TRANSITION if the job is not IN_PROGRESS; INVALID_REQUEST if a field
    ///   is outside its limits.
    @discardableResult
    public func updateJob(_ request: UpdateJobRequest, timeout: Duration? = nil) async throws(ErrandError) -> Job {
        try await change(request, key: request.jobId, timeout: timeout)
    }

    /// Changes what may be changed of a job that is IN_PROGRESS; what is absent stays (SPEC §9.17).
    @discardableResult
    public func updateJob(
        jobId: String, description: String? = nil, inProgressTimeoutInMinutes: Int64? = nil,
        rollout: RolloutConfig? = nil, abortCriteria: [AbortCriterion]? = nil, endsRetries: Bool = false,
        timeout: Duration? = nil
    ) async throws(ErrandError) -> Job {
        try await updateJob(
            UpdateJobRequest(
                jobId: Self.job(jobId), description: description,
                inProgressTimeoutInMinutes: inProgressTimeoutInMinutes, rollout: rollout, abortCriteria: abortCriteria,
                endsRetries: endsRetries), timeout: timeout)
    }

    /// A job's document, as it was given (SPEC §9.19). A read; safe to repeat.
    ///
    /// - Throws: `ErrandError`: NOT_FOUND if there is no such job.
    public func getJobDocument(
        _ request: GetJobDocumentRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> String {
        try await call(request, key: request.jobId, timeout: timeout).document
    }

    /// A job's document, as it was given (SPEC §9.19).
    public func getJobDocument(jobId: String, timeout: Duration? = nil) async throws(ErrandError) -> String {
        try await getJobDocument(GetJobDocumentRequest(jobId: Self.job(jobId)), timeout: timeout)
    }

    /// Takes things out of a job: their open executions become REMOVED, no retry follows, and what is not yet queued never
    /// is (SPEC §9.20). Any number of things, in as many calls as that takes.
    ///
    /// Sent again by itself after a lost connection; to repeat it with the same things is harmless. Of a request with a key
    /// the further calls have keys made from it.
    /// - Returns: How many things changed; those that are no targets, or have ended, are left alone.
    /// - Throws: `ErrandError`: NOT_FOUND if there is no such job; INVALID_REQUEST without targets. When a later call fails
    ///   the things of the earlier ones are removed already.
    /// - Parameter timeout: for each of the calls.
    @discardableResult
    public func removeJobTargets(
        _ request: RemoveJobTargetsRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> Int {
        do throws(InvalidField) { try request.validate() } catch { throw ErrandError(error) }
        var removedCount = 0
        var start = 0
        var part = request
        while start < request.targets.count {
            let end = Self.endOfChunk(request.targets, from: start)
            part.targets = Array(request.targets[start..<end])
            removedCount += Int(try await change(part, key: part.jobId, timeout: timeout).removedCount)
            part.idempotencyKey = part.idempotencyKey.map { IdempotencyKey(high: $0.high, low: $0.low &+ 1) }
            start = end
        }
        return removedCount
    }

    /// Takes things out of a job (SPEC §9.20).
    @discardableResult
    public func removeJobTargets(
        jobId: String, targets: [String], timeout: Duration? = nil
    ) async throws(ErrandError) -> Int {
        var names: [ThingName] = []
        names.reserveCapacity(targets.count)
        for target in targets { names.append(try Self.thing(target)) }
        return try await removeJobTargets(
            RemoveJobTargetsRequest(jobId: Self.job(jobId), targets: names), timeout: timeout)
    }

    /// Deletes one attempt of an execution; one that is IN_PROGRESS only with `force` (SPEC §9.21). It leaves every count, its
    /// number is never used again in the job's life, and its device then gets NOT_FOUND.
    ///
    /// Sent again by itself after a lost connection.
    /// - Throws: `ErrandError`: NOT_FOUND if there is no such attempt; INVALID_STATE_TRANSITION with its state if it needs
    ///   force.
    public func deleteJobExecution(
        _ request: DeleteJobExecutionRequest, timeout: Duration? = nil
    ) async throws(ErrandError) {
        _ = try await change(request, key: request.thingName, timeout: timeout)
    }

    /// Deletes one attempt of an execution (SPEC §9.21).
    public func deleteJobExecution(
        jobId: String, thingName: String, executionNumber: Int64, force: Bool = false, timeout: Duration? = nil
    ) async throws(ErrandError) {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        try await deleteJobExecution(
            DeleteJobExecutionRequest(
                jobId: jobId, thingName: thingName, executionNumber: executionNumber, force: force), timeout: timeout)
    }
}
