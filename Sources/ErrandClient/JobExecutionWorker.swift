public import ErrandCore
internal import Synchronization

/// A device's loop: waits for the next execution of a thing, starts it and hands it out, one after the other.
///
///     let worker = try JobExecutionWorker(client, thingName: "press-1")
///     while !Task.isCancelled {
///         let work = try await worker.next()
///         try await work.reportProgress(done: 1, total: 2)
///         try await work.succeed()
///     }
///
/// After a restart of the device the execution that it had begun is handed out again (SPEC §9.10).
public final class JobExecutionWorker: Sendable {
    public struct Configuration: Sendable {
        /// How long to wait before looking again when nothing is pending and the server has told of nothing (it watches the
        /// thing's queue); each time 75 to 125 % of it.
        public var pollInterval: Duration = .seconds(30)
        /// The first wait after a call that failed and may be repeated; it doubles up to `pollInterval`, each time a random
        /// part of it, and is at least what the server asks for.
        public var retryDelay: Duration = .seconds(1)
        /// The status details of an execution that is started.
        public var statusDetails: StatusDetails?
        /// The step timer of an execution that is started.
        public var stepTimeoutInMinutes: Int64?

        public init() {}
    }

    typealias Pause = @Sendable (Duration) async throws -> Void

    public let thingName: ThingName
    private let client: JobExecutionClient
    private let configuration: Configuration
    private let pause: Pause
    /// What was handed out last. Its time tells it from the execution of a later job of the same id, whose numbers begin
    /// at 1 again.
    private let last = Mutex<(jobId: JobId, executionNumber: Int64, queuedAtMilliseconds: Int64)?>(nil)

    /// - Throws: `ErrandError` with INVALID_REQUEST if the name is none.
    public convenience init(
        _ client: JobExecutionClient, thingName: String, configuration: Configuration = Configuration()
    ) throws(ErrandError) {
        self.init(client, thingName: try JobExecutionClient.thing(thingName), configuration: configuration) {
            try await Task.sleep(for: $0)
        }
    }

    /// `pause` waits; tests look at how long it is asked to.
    package init(
        _ client: JobExecutionClient, thingName: ThingName, configuration: Configuration,
        pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.client = client
        self.thingName = thingName
        self.configuration = configuration
        self.pause = pause
    }

    /// Waits until there is something to do, and starts it.
    ///
    /// It looks at once, then as soon as the server says that there is something (SPEC §9.23, scope queue), and every
    /// `pollInterval` in case it cannot. The execution that it handed out last, when that has not been finished,
    /// comes again only after such an interval. Calls that fail and may be repeated are; call it from one task at a time.
    /// - Throws: `ErrandError`: CANCELLED when the task is; otherwise what no waiting mends, such as PERMISSION_DENIED.
    public func next() async throws(ErrandError) -> StartedJobExecution {
        var failureCount = 0
        var hasWaited = false
        while true {
            do throws(ErrandError) {
                let found = try await client.startNextPendingJobExecution(
                    StartNextPendingJobExecutionRequest(
                        thingName: thingName, statusDetails: configuration.statusDetails,
                        stepTimeoutInMinutes: configuration.stepTimeoutInMinutes))
                failureCount = 0
                if let found, hasWaited || !isLast(found) {
                    last.withLock { $0 = (found.jobId, found.executionNumber, found.queuedAtMilliseconds) }
                    return StartedJobExecution(execution: found, client: client)
                }
                if try await waitForChange(configuration.pollInterval * Double.random(in: 0.75...1.25)) == .elapsed {
                    hasWaited = true
                }
            } catch {
                guard error.code.retryAdvice == .later || error.code.retryAdvice == .yes, error.code != .cancelled
                else { throw error }
                try await wait(delay(after: error, failureCount: failureCount))
                failureCount += 1
            }
        }
    }

    private enum Wake {
        case elapsed
        /// Another execution is the next one.
        case changed
        /// The queue cannot be watched; only time helps.
        case blind
        case cancelled
    }

    /// Waits for `duration`, or until the server tells of another execution.
    private func waitForChange(_ duration: Duration) async throws(ErrandError) -> Wake {
        let wake = await withTaskGroup(of: Wake.self) { group in
            group.addTask {
                do {
                    try await self.pause(duration)
                    return .elapsed
                } catch {
                    return .cancelled
                }
            }
            group.addTask { await self.change() }
            defer { group.cancelAll() }
            for await wake in group where wake != .blind { return wake }
            return .cancelled
        }
        guard wake != .cancelled else { throw ErrandError(.cancelled, "the task was cancelled", applied: .no) }
        return wake
    }

    /// Waits until another execution than the last one is the next. The watch begins with what is, and lasts only as long
    /// as there is nothing to do, so that a device that works is not told of what it does not read.
    private func change() async -> Wake {
        do throws(ErrandError) {
            let queue = try await client.watchQueue(thingName: thingName.description)
            for try await case .next(let execution?) in queue where !isLast(execution) { return .changed }
        } catch {}
        // Such as an older server, or one that takes no more watches.
        return .blind
    }

    private func isLast(_ found: JobExecution) -> Bool {
        last.withLock { last in
            last?.jobId == found.jobId && last?.executionNumber == found.executionNumber
                && last?.queuedAtMilliseconds == found.queuedAtMilliseconds
        }
    }

    private func delay(after error: ErrandError, failureCount: Int) -> Duration {
        let ceiling = min(configuration.pollInterval, configuration.retryDelay * (1 << min(failureCount, 16)))
        let asked = Duration.milliseconds(Int64(error.retryAfterMilliseconds ?? 0))
        return max(asked, ceiling * Double.random(in: 0.5...1))
    }

    private func wait(_ duration: Duration) async throws(ErrandError) {
        do {
            try await pause(duration)
        } catch {
            throw ErrandError(.cancelled, "the task was cancelled", applied: .no)
        }
    }
}
