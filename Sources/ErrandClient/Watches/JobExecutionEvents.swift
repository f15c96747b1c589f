public import ErrandCore

/// The changes of executions and jobs as they happen, each once and in order (SPEC §9.23).
///
///     for try await event in try await client.watch(.job(jobId)) { … }
///
/// When the connection is lost, or the server ends the watch because it was too slow, it is begun again by itself from
/// the last revision, without gap or repetition. Iterating ends with `ErrandError`: WATCH_COMPACTED when the server no longer
/// keeps what comes next (watch anew, then read what you watch), CANCELLED when the task is cancelled. To go on in
/// another process, keep the `revision` of the last event.
///
/// Iterate it once, from one task. Letting go of it ends the watch.
public struct JobExecutionEvents: AsyncSequence, Sendable {
    public typealias Element = JobExecutionEvent
    public typealias Failure = ErrandError

    private let session: WatchSession
    /// Behind which the watch began: what you read now shows everything up to here.
    public let revision: UInt64

    init(_ session: WatchSession) {
        self.session = session
        revision = session.revision ?? 0
    }

    public func makeAsyncIterator() -> Iterator { Iterator(session: session) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let session: WatchSession

        public func next() async throws(ErrandError) -> JobExecutionEvent? {
            while true {
                if case .event(let event) = try await session.next() { return event }
            }
        }

        public func next(isolation actor: isolated (any Actor)?) async throws(ErrandError) -> JobExecutionEvent? {
            try await next()
        }
    }
}

/// What a thing has to do, told whenever it changes (SPEC §9.23, scope queue): AWS's *notify* and *notify-next*.
///
/// It begins with one of each, and begins again by itself, so that nothing is missed while the connection was away.
/// Changes that come together may share a notification; the last one is always told. Iterate it once, from one task.
public struct JobExecutionNotifications: AsyncSequence, Sendable {
    public enum Element: Sendable, Equatable {
        /// The list of pending executions has changed: its beginning, as with `getPendingJobExecutions`.
        case pending(PendingJobExecutions)
        /// Another execution is the next one, with its document, or there is none any more.
        case next(JobExecution?)
    }

    public typealias Failure = ErrandError

    private let session: WatchSession

    init(_ session: WatchSession) {
        self.session = session
    }

    public func makeAsyncIterator() -> Iterator { Iterator(session: session) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let session: WatchSession

        public func next() async throws(ErrandError) -> Element? {
            while true {
                switch try await session.next() {
                case .pending(let pending): return .pending(pending)
                case .next(let execution): return .next(execution)
                case .event, .bookmark, .ended, .interrupted: continue
                }
            }
        }

        public func next(isolation actor: isolated (any Actor)?) async throws(ErrandError) -> Element? {
            try await next()
        }
    }
}
