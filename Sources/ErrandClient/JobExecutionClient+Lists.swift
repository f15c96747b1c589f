public import ErrandCore
internal import ErrandWire

extension JobExecutionClient {
    /// What a thing has to do: its IN_PROGRESS and QUEUED executions in queue order, or a page of them (SPEC §9.11).
    public func getPendingJobExecutions(
        _ request: GetPendingJobExecutionsRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> PendingJobExecutions {
        try await call(request, key: request.thingName, timeout: timeout)
    }

    /// What a thing has to do: its IN_PROGRESS and QUEUED executions in queue order (SPEC §9.11).
    public func getPendingJobExecutions(
        thingName: String, maxResults: UInt32? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> PendingJobExecutions {
        try await getPendingJobExecutions(
            GetPendingJobExecutionsRequest(thingName: Self.thing(thingName), maxResults: maxResults), timeout: timeout)
    }

    /// A page of a job's executions, every attempt, in the order queued (SPEC §9.12). NOT_FOUND if there is no such job.
    public func listJobExecutionsForJob(
        _ request: ListJobExecutionsForJobRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionPage {
        try await call(request, key: request.jobId, timeout: timeout)
    }

    /// A page of a thing's executions, the newest attempt first (SPEC §9.13).
    public func listJobExecutionsForThing(
        _ request: ListJobExecutionsForThingRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionPage {
        try await call(request, key: request.thingName, timeout: timeout)
    }

    /// All executions of a job, page after page as you iterate.
    public func jobExecutions(jobId: String, status: JobExecutionStatus? = nil) throws(ErrandError)
        -> JobExecutionSequence
    {
        let jobId = try Self.job(jobId)
        return JobExecutionSequence { token throws(ErrandError) in
            let page = try await self.listJobExecutionsForJob(
                ListJobExecutionsForJobRequest(jobId: jobId, status: status, nextToken: token))
            return (page.executions, page.nextToken)
        }
    }

    /// All executions of a thing, page after page as you iterate.
    public func jobExecutions(
        thingName: String, status: JobExecutionStatus? = nil
    ) throws(ErrandError) -> JobExecutionSequence {
        let thingName = try Self.thing(thingName)
        return JobExecutionSequence { token throws(ErrandError) in
            let page = try await self.listJobExecutionsForThing(
                ListJobExecutionsForThingRequest(thingName: thingName, status: status, nextToken: token))
            return (page.executions, page.nextToken)
        }
    }

    // MARK: Jobs

    /// A page of the jobs, in the order created (SPEC §9.18). A read; safe to repeat.
    ///
    /// - Throws: `ErrandError`: INVALID_REQUEST if `maxResults` is outside 1 to 250 or the token is of another list.
    public func listJobs(
        _ request: ListJobsRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobPage {
        try await call(request, key: 0, timeout: timeout)
    }

    /// A page of the jobs, in the order created (SPEC §9.18).
    ///
    /// - Parameter maxResults: 1 to 250; 250 if absent.
    public func listJobs(
        status: JobStatus? = nil, maxResults: UInt32? = nil, nextToken: [UInt8]? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobPage {
        try await listJobs(
            ListJobsRequest(status: status, maxResults: maxResults, nextToken: nextToken), timeout: timeout)
    }

    /// All jobs in the order created, page after page as you iterate (SPEC §9.18).
    public func jobs(status: JobStatus? = nil) -> JobSequence {
        JobSequence { token throws(ErrandError) in
            let page = try await self.listJobs(ListJobsRequest(status: status, nextToken: token))
            return (page.jobs, page.nextToken)
        }
    }

    // MARK: History

    /// A page of what happened to an execution, the oldest first: its birth, its changes, and reports refused because it had
    /// ended (SPEC §9.22). A read; safe to repeat.
    ///
    /// The history is bounded: `droppedCount` says how many entries are missing in its middle.
    /// - Throws: `ErrandError`: NOT_FOUND if there is no such attempt.
    public func getJobExecutionHistory(
        _ request: GetJobExecutionHistoryRequest, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionHistoryPage {
        try await call(request, key: request.thingName, timeout: timeout)
    }

    /// A page of what happened to an execution, the oldest first (SPEC §9.22).
    ///
    /// - Parameter executionNumber: which attempt; the latest if absent.
    /// - Parameter maxResults: 1 to 250; 250 if absent.
    public func getJobExecutionHistory(
        jobId: String, thingName: String, executionNumber: Int64? = nil, maxResults: UInt32? = nil,
        nextToken: [UInt8]? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) -> JobExecutionHistoryPage {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        return try await getJobExecutionHistory(
            GetJobExecutionHistoryRequest(
                jobId: jobId, thingName: thingName, executionNumber: executionNumber, maxResults: maxResults,
                nextToken: nextToken), timeout: timeout)
    }

    /// What happened to one attempt of an execution, page after page as you iterate (SPEC §9.22). Without `executionNumber`
    /// each page is of the attempt that is then the latest: name it if retries may come.
    public func jobExecutionHistory(
        jobId: String, thingName: String, executionNumber: Int64? = nil
    ) throws(ErrandError) -> JobExecutionHistorySequence {
        let (jobId, thingName) = try Self.names(jobId, thingName)
        return JobExecutionHistorySequence { token throws(ErrandError) in
            let page = try await self.getJobExecutionHistory(
                GetJobExecutionHistoryRequest(
                    jobId: jobId, thingName: thingName, executionNumber: executionNumber, nextToken: token))
            return (page.entries, page.nextToken)
        }
    }
}
