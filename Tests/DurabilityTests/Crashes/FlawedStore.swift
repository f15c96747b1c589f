import ErrandCore
import Synchronization

@testable import ErrandStore

/// The mistakes that the checker must catch.
enum Flaw: CaseIterable {
    case none
    /// A change is answered as soon as it is decided.
    case acknowledgesBeforeSync
    /// A read is answered as soon as it is decided, whatever it shows.
    case showsWhatIsNotDurable
    /// Now and then a key is not remembered.
    case forgetsKeys
    /// Now and then an event does not come.
    case skipsEvents
}

/// The durable store with a mistake.
final class FlawedStore: Sendable {
    let store: DurableExecutionStore
    private let flaw: Flaw
    private let callCount = Atomic(0)
    private let watch: Mutex<Watch>

    private struct Watch {
        var subscription: ChangeFeed.Subscription
        var takenCount = 0
    }

    /// Its watch goes on behind `revision`.
    init(_ store: DurableExecutionStore, _ flaw: Flaw, watchingFrom revision: UInt64?) throws(Refusal) {
        self.store = store
        self.flaw = flaw
        let begun = try store.changes.subscribe(.everything, fromRevision: revision, sink: NoSink()).get()
        watch = Mutex(Watch(subscription: begun.subscription))
    }

    func submit(_ batch: CommandBatch, at now: Int64) {
        let isRead = batch.commands.allSatisfy { !$0.isChange }
        switch flaw {
        case .acknowledgesBeforeSync where !isRead, .showsWhatIsNotDurable where isRead:
            _ = store.memory.decide(batch, at: now)
            store.committer.begin()
            batch.complete()
        case .forgetsKeys where callCount.wrappingAdd(1, ordering: .relaxed).newValue % 3 == 0:
            for index in batch.commands.indices {
                guard case .update(var request) = batch.commands[index] else { continue }
                request.idempotencyKey = nil
                batch.commands[index] = .update(request)
            }
            store.submit(batch, at: now)
        default: store.submit(batch, at: now)
        }
    }

    /// What the watch has to show now.
    func takeEvents() -> [JobExecutionEvent] {
        watch.withLock { watch in
            var events: [JobExecutionEvent] = []
            while store.changes.take(watch.subscription, atMost: 4096, into: &events).isMoreWaiting {}
            return events.filter { _ in
                watch.takenCount += 1
                return flaw != .skipsEvents || watch.takenCount % 7 != 0
            }
        }
    }
}

/// The watch is looked at when it suits the test.
private final class NoSink: FeedSink {
    func changesReady() {}
}
