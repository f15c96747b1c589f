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
            try await self.listJobExecutionsForJob(
                ListJobExecutionsForJobRequest(jobId: jobId, status: status, nextToken: token))
        }
    }

    /// All executions of a thing, page after page as you iterate.
    public func jobExecutions(
        thingName: String, status: JobExecutionStatus? = nil
    ) throws(ErrandError) -> JobExecutionSequence {
        let thingName = try Self.thing(thingName)
        return JobExecutionSequence { token throws(ErrandError) in
            try await self.listJobExecutionsForThing(
                ListJobExecutionsForThingRequest(thingName: thingName, status: status, nextToken: token))
        }
    }
}

/// Executions from a paged list; each page is asked for when the one before is used up.
public struct JobExecutionSequence: AsyncSequence, Sendable {
    public typealias Element = JobExecutionSummary
    public typealias Failure = ErrandError
    typealias Page = @Sendable (_ nextToken: [UInt8]?) async throws(ErrandError) -> JobExecutionPage

    private let page: Page

    init(page: @escaping Page) {
        self.page = page
    }

    public func makeAsyncIterator() -> Iterator { Iterator(page: page) }

    public struct Iterator: AsyncIteratorProtocol {
        private let page: Page
        private var executions: [JobExecutionSummary] = []
        private var index = 0
        private var nextToken: [UInt8]?
        private var isLast = false

        init(page: @escaping Page) {
            self.page = page
        }

        public mutating func next() async throws(ErrandError) -> JobExecutionSummary? {
            try await next(isolation: #isolation)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ErrandError) -> JobExecutionSummary? {
            while index == executions.count {
                if isLast { return nil }
                let page = try await page(nextToken)
                executions = page.executions
                index = 0
                nextToken = page.nextToken
                isLast = page.nextToken == nil
            }
            defer { index += 1 }
            return executions[index]
        }
    }
}
