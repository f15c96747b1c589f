import Dispatch
import ErrandCore
import ErrandStore
import Synchronization

/// A durable store that is closed and opened again before every batch, and now and then folds its journal before that: so
/// every rule is decided on what a restart has made of the state.
final class ReopeningStore: ExecutionStore {
    private let directory: TemporaryStore
    private let rules: ExecutionRules
    private let limits: StoreLimits
    private let state: Mutex<State>

    private struct State {
        var store: DurableExecutionStore
        var callCount = 0
    }

    init(rules: ExecutionRules, limits: StoreLimits) throws(StorageFault) {
        directory = TemporaryStore(isOnDisk: false)
        self.rules = rules
        self.limits = limits
        let first = try DurableExecutionStore(
            directory: directory.path, rules: rules, limits: limits, at: 0, stripeCount: 4)
        state = Mutex(State(store: first))
    }

    deinit { _ = state.withLock { $0.store.stop() } }

    func submit(_ batch: CommandBatch, at nowMilliseconds: Int64) {
        reopened(at: nowMilliseconds).submit(batch, at: nowMilliseconds)
    }

    func advance(to nowMilliseconds: Int64, limit: Int) -> AdvanceResult {
        reopened(at: nowMilliseconds).advance(to: nowMilliseconds, limit: limit)
    }

    func onEarlierDue(_ notify: @escaping @Sendable (_ dueMilliseconds: Int64) -> Void) {
        state.withLock { $0.store }.onEarlierDue(notify)
    }

    var changes: ChangeFeed { state.withLock { $0.store }.changes }
    var counts: StoreCounts { state.withLock { $0.store }.counts }

    private func reopened(at now: Int64) -> DurableExecutionStore {
        state.withLock { state in
            state.callCount += 1
            // Tests of a few calls are about these; one of thousands is about how they add up.
            guard state.callCount < 30 || state.callCount % 29 == 0 else { return state.store }
            if state.callCount % 3 == 0 { precondition(state.store.checkpoint() == nil) }
            precondition(state.store.stop() == nil)
            do {
                state.store = try DurableExecutionStore(
                    directory: directory.path, rules: rules, limits: limits, at: now,
                    finishedRetentionMilliseconds: state.callCount % 2 == 0 ? 0 : .max, stripeCount: 4)
            } catch {
                preconditionFailure("\(error)")
            }
            return state.store
        }
    }
}
