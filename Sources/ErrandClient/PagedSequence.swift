public import ErrandCore

/// The executions of a job or of a thing.
public typealias JobExecutionSequence = PagedSequence<JobExecutionSummary>
/// Jobs, in the order created.
public typealias JobSequence = PagedSequence<JobSummary>
/// What happened to an execution, the oldest first.
public typealias JobExecutionHistorySequence = PagedSequence<JobExecutionHistoryEntry>

/// What a paged list holds; each page is asked for when the one before is used up.
///
/// A change of the list while you iterate may show or hide what changes; nothing else is left out or comes twice.
/// Iterating ends with `ErrandError` if a page cannot be had; each page has the client's time limit.
public struct PagedSequence<Element: Sendable>: AsyncSequence, Sendable {
    public typealias Failure = ErrandError
    typealias Page =
        @Sendable (
            _ nextToken: [UInt8]?
        ) async throws(ErrandError) -> (elements: [Element], nextToken: [UInt8]?)

    private let page: Page

    init(page: @escaping Page) {
        self.page = page
    }

    public func makeAsyncIterator() -> Iterator { Iterator(page: page) }

    public struct Iterator: AsyncIteratorProtocol {
        private let page: Page
        private var elements: [Element] = []
        private var index = 0
        private var nextToken: [UInt8]?
        private var isLast = false

        init(page: @escaping Page) {
            self.page = page
        }

        public mutating func next() async throws(ErrandError) -> Element? {
            try await next(isolation: #isolation)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ErrandError) -> Element? {
            while index == elements.count {
                if isLast { return nil }
                (elements, nextToken) = try await page(nextToken)
                index = 0
                isLast = nextToken == nil
            }
            defer { index += 1 }
            return elements[index]
        }
    }
}
