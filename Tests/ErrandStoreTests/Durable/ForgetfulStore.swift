import ErrandCore
import ErrandStore
import Synchronization

/// A durable store that lets go of everything that has finished before each call, so that all of it has to come back from
/// the tables.
final class ForgetfulStore: ExecutionStore {
    private let directory = TemporaryStore(isOnDisk: false)
    private let store: DurableExecutionStore
    private let callCount = Atomic<Int>(0)

    init(rules: ExecutionRules, limits: StoreLimits) throws(StorageFault) {
        store = try DurableExecutionStore(directory: directory.path, rules: rules, limits: limits, at: 0)
    }

    deinit { _ = store.stop() }

    func submit(_ batch: CommandBatch, at nowMilliseconds: Int64) {
        let count = callCount.add(1, ordering: .relaxed).newValue
        if count < 100 || count % 7 == 0 {
            precondition(store.checkpoint() == nil)
            store.letGo(finishedBefore: .max)
        }
        store.submit(batch, at: nowMilliseconds)
    }

    func advance(to nowMilliseconds: Int64, limit: Int) -> AdvanceResult {
        store.advance(to: nowMilliseconds, limit: limit)
    }

    func onEarlierDue(_ notify: @escaping @Sendable (_ dueMilliseconds: Int64) -> Void) { store.onEarlierDue(notify) }

    var changes: ChangeFeed { store.changes }
    var counts: StoreCounts { store.counts }
}
