internal import ErrandCore
internal import ErrandWire
internal import Synchronization

/// A watch across connections: begins again from the last revision when one is lost.
///
/// One task at a time takes from it. It ends, at the server too, when nobody has it any more.
final class WatchSession: Sendable {
    private struct State {
        var active: (watch: ActiveWatch, channel: Channel, requestId: UInt64)?
        var revision: UInt64?
        var failureCount = 0
        /// What ended it for good.
        var final: ErrandError?
    }

    private let client: JobExecutionClient
    private let scope: WatchScope
    private let state: Mutex<State>

    init(_ client: JobExecutionClient, _ scope: WatchScope, fromRevision: UInt64?) {
        self.client = client
        self.scope = scope
        state = Mutex(State(revision: fromRevision))
    }

    deinit {
        state.withLock { $0.active }.map { $0.channel.endWatch($0.requestId, of: $0.watch) }
    }

    /// Up to where everything was taken; without a number before the watch has begun.
    var revision: UInt64? { state.withLock { $0.revision } }

    /// Begins the watch, or begins it again.
    func begin(timeout: Duration? = nil) async throws(ErrandError) {
        let watch = ActiveWatch()
        var request = WatchRequest(scope: scope, credit: ActiveWatch.creditWindow)
        if case .queue = scope {} else { request.fromRevision = revision }
        let (begun, requestId, channel) = try await client.begin(request, watch, timeout: timeout)
        state.withLock { state in
            state.active = (watch, channel, requestId)
            if state.revision == nil { state.revision = begun.revision }
        }
    }

    /// The next event or notification. Waits through lost connections.
    /// - Throws: what no waiting mends: CANCELLED, WATCH_COMPACTED.
    func next() async throws(ErrandError) -> WatchItem {
        state.withLock { $0.active }?.watch.forgetCancellation()
        while true {
            if let final = state.withLock({ $0.final }) { throw final }
            guard let active = state.withLock({ $0.active }) else {
                try await beginAgain()
                continue
            }
            let item = await active.watch.next()
            let credit = active.watch.takeCredit()
            if credit > 0 { active.channel.giveCredit(credit, requestId: active.requestId, of: active.watch) }
            switch item {
            case .event(let event):
                state.withLock { state in
                    state.revision = event.revision
                    state.failureCount = 0
                }
                return item
            case .bookmark(let revision):
                state.withLock { state in
                    state.revision = revision
                    state.failureCount = 0
                }
            case .pending, .next:
                state.withLock { $0.failureCount = 0 }
                return item
            case .ended(let error):
                guard Self.isMendable(error) else {
                    state.withLock { $0.final = error }
                    throw error
                }
                state.withLock { $0.active = nil }
            case .interrupted: throw Self.taskCancelled
            }
        }
    }

    private func beginAgain() async throws(ErrandError) {
        let failureCount = state.withLock { $0.failureCount }
        if failureCount > 0 {
            let ceiling = min(
                client.configuration.reconnectDelayMax,
                client.configuration.reconnectDelay * (1 << min(failureCount, 16)))
            do {
                try await Task.sleep(for: ceiling * Double.random(in: 0.5...1))
            } catch {
                throw Self.taskCancelled
            }
        }
        // Counted until something comes, so that a server that greets and drops us is not called without pause.
        state.withLock { $0.failureCount += 1 }
        do throws(ErrandError) {
            try await begin()
        } catch {
            // Of a call that begins it, this is only a client that has too many calls waiting.
            guard Self.isMendable(error) || error.code == .resourceExhausted else { throw error }
        }
    }

    private static let taskCancelled = ErrandError(.cancelled, "the task was cancelled", applied: .no)

    private static func isMendable(_ error: ErrandError) -> Bool {
        switch error.code {
        case .slowConsumer, .unavailable, .deadlineExceeded, .internalError, .unknown, .throttled, .limitExceeded: true
        default: false
        }
    }
}
