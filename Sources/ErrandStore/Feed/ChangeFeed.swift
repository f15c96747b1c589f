package import ErrandCore
import Synchronization

/// Takes watches' side of a store's changes. Called on any thread and without a lock; at most once until it has asked
/// `takeReady`.
package protocol FeedSink: AnyObject, Sendable {
    func changesReady()
}

/// Every stored change, once and in order, with a revision; and who watches for it (SPEC §9.23).
///
/// A change is appended under the lock under which it was decided, so the order of the events of an execution, and of
/// a job, is the order of its changes. It is seen by watches when it is published. The feed's own lock is the last in
/// the lock order (see `MemoryExecutionStore`), and nobody is called under it.
package final class ChangeFeed: Sendable {
    private let state: Mutex<FeedState>
    private let appendedRevision: Atomic<UInt64>
    private let visibleRevision: Atomic<UInt64>

    /// Revisions begin after `baseRevision`; one from before that can never be resumed from.
    package init(baseRevision: UInt64, historyCountMax: Int, lagMax: Int = ServerLimits.watchLagEventCountMax) {
        state = Mutex(FeedState(base: baseRevision, historyCountMax: historyCountMax, lagMax: lagMax))
        appendedRevision = Atomic(baseRevision)
        visibleRevision = Atomic(baseRevision)
    }

    // MARK: The store's side

    /// A change was stored; the caller holds the lock under which it was decided. Its revision is given here.
    func append(_ event: consuming JobExecutionEvent) {
        state.withLock { [event] state in
            appendedRevision.store(state.ring.append(event), ordering: .releasing)
        }
    }

    /// Shows what was appended to the watches; no lock may be held.
    func publish() {
        guard appendedRevision.load(ordering: .acquiring) != visibleRevision.load(ordering: .acquiring) else { return }
        let sinks = state.withLock { state in
            let sinks = state.publish(through: state.ring.lastRevision)
            visibleRevision.store(state.visibleRevision, ordering: .releasing)
            return sinks
        }
        for sink in sinks { sink.changesReady() }
    }

    // MARK: The watches' side

    package struct Subscribed {
        package let id: UInt64
        /// Behind which it begins.
        package let revision: UInt64
    }

    /// Begins a watch, which lasts until `unsubscribe`. Refused if it cannot go on from `fromRevision` without a gap.
    package func subscribe(
        _ scope: WatchScope, fromRevision: UInt64?, sink: any FeedSink
    ) -> Result<Subscribed, Refusal> {
        state.withLock { $0.subscribe(scope, fromRevision: fromRevision, sink: sink) }
    }

    package func unsubscribe(_ id: UInt64) {
        state.withLock { $0.unsubscribe(id) }
    }

    /// The watches of this sink that have something new, or have ended, since it was asked last.
    package func takeReady(_ sink: any FeedSink) -> [UInt64] {
        state.withLock { $0.takeReady(ObjectIdentifier(sink)) }
    }

    package struct Taken: Equatable {
        /// The watch has now been given everything up to here.
        package var revision: UInt64
        /// There is more to take at once; else the sink is told when there is.
        package var hasMore = false
        /// Why the watch is over.
        package var ended: StatusCode?
    }

    /// Takes up to `limit` events for a watch, oldest first. Looks at no more than some thousand, so it may take fewer.
    package func take(_ id: UInt64, atMost limit: Int, into events: inout [JobExecutionEvent]) -> Taken {
        state.withLock { $0.take(id, atMost: limit, into: &events) }
    }

    /// Whether more events wait for a watch than may (SPEC §9.23 `WAT-6`). If they cannot be taken at once, it is to be
    /// ended: a single call may bring more than that, which is not the watch's fault.
    package func hasFallenBehind(_ id: UInt64) -> Bool {
        state.withLock { $0.hasFallenBehind(id) }
    }

    /// What may have changed of the watched queue since it was asked last.
    package func takeQueueChange(_ id: UInt64) -> QueueChange {
        state.withLock { $0.takeQueueChange(id) }
    }
}
