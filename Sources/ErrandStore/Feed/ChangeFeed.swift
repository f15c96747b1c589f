package import ErrandCore
import Synchronization

/// What changes in a store, in one order, for those who watch (SPEC §9.23): a bounded memory of the last events, each
/// with its revision, and the subscriptions that go through them.
///
/// An event is **appended** under the lock under which its change was decided, so that the events of one execution, and
/// those of one job, come in the order of the changes. It is **published** when its change may be seen, and only then do
/// subscriptions see it. The feed's lock is the last in the lock order of a store and is held for a bounded number of
/// events at a time; nobody is called under it.
///
/// A subscription without fromRevision is live at once: it has a bounded queue of revisions that wait for it. One with
/// fromRevision first catches up, for which `take` looks through the past in slices; no lag limit holds for that.
/// Nobody is called for what it finds there: after `subscribe`, and as long as `Taken.isMoreWaiting`, call `take`.
/// A live one for which too much waits is dropped with SLOW_CONSUMER; but if all of that came before its sink could ask
/// for it, it goes back to catching up.
package final class ChangeFeed: Sendable {
    private let state: Mutex<FeedState>
    /// The same as in `state`, written under its lock and read without, so that a call that only read costs no lock.
    private let given: Atomic<UInt64>
    private let visible: Atomic<UInt64>
    private let recorded: Atomic<UInt64>
    /// Where changes are recorded that must survive the process; then it is the journal that publishes.
    private let journal: (any ChangeJournal)?
    /// Whether there is one: to look at the journal itself counts a reference that all loops share.
    let isRecorded: Bool
    /// How many events are kept, unless their status details are very long.
    package let historyCountMax: Int

    /// How many events a long call may leave unpublished before it publishes them in between.
    private static let unpublishedCountMax: UInt64 = 1024

    /// `firstRevision` is that of the first event, at least 1. A store that forgets its events when it ends takes it from
    /// `firstRevision(startedAtMilliseconds:)`, so that a revision of an earlier run is always too old.
    /// `recordedSequence` is that of the newest record of earlier runs.
    init(
        firstRevision: UInt64 = 1, limits: StoreLimits = StoreLimits(), journal: (any ChangeJournal)? = nil,
        recordedSequence: UInt64 = 0
    ) {
        precondition(firstRevision > 0, "revision 0 comes before all events")
        precondition(limits.watchHistoryEventCount > 0, "an event is kept at least until it is published")
        historyCountMax = limits.watchHistoryEventCount
        self.journal = journal
        isRecorded = journal != nil
        state = Mutex(FeedState(firstRevision: firstRevision, limits: limits))
        recorded = Atomic(recordedSequence)
        given = Atomic(firstRevision - 1)
        visible = Atomic(firstRevision - 1)
    }

    /// A millisecond has room for 2^20 events, more than any server makes, so a later start gives greater revisions.
    package static func firstRevision(startedAtMilliseconds: Int64) -> UInt64 {
        let shift = 20 as UInt64
        // A clock past the year 500,000 or before 1970 is wrong, but no reason to end.
        return max(1, min(UInt64(clamping: startedAtMilliseconds), UInt64.max >> (shift + 1)) << shift)
    }

    /// The newest revision that watches may see.
    package var revision: UInt64 { visible.load(ordering: .acquiring) }

    // MARK: For the store

    /// Gives the events of one change the next revisions and records the change. To be called under the lock under which
    /// it was decided. `write` appends the record, which is given the first revision; it is called under the feed's
    /// lock, so that revisions and sequences of the journal rise together, and not at all in a store without a journal.
    /// Returns the record's sequence, 0 without a journal.
    @discardableResult
    func append(
        _ event: FeedEvent, _ second: FeedEvent? = nil, recording write: (inout JournalBuffer, UInt64) -> Void
    ) -> UInt64 {
        state.withLock { state in
            let revision = state.append(event)
            if let second { _ = state.append(second) }
            given.store(state.given, ordering: .releasing)
            guard let journal else { return 0 }
            return note(journal.append(upTo: state.given) { write(&$0, revision) })
        }
    }

    /// Records a change that nobody watches. Returns the record's sequence, 0 without a journal.
    @discardableResult
    func record(_ write: (inout JournalBuffer) -> Void) -> UInt64 {
        guard let journal else { return 0 }
        return state.withLock { note(journal.append(upTo: $0.given, write)) }
    }

    /// Of the newest record.
    var recordedSequence: UInt64 { recorded.load(ordering: .acquiring) }

    private func note(_ sequence: UInt64) -> UInt64 {
        recorded.store(sequence, ordering: .releasing)
        return sequence
    }

    /// How many events are not visible yet.
    var unpublishedCount: UInt64 {
        let visible = visible.load(ordering: .acquiring)
        let given = given.load(ordering: .acquiring)
        return given > visible ? given - visible : 0
    }

    /// Puts back an event of an earlier run, the next in order, and makes it visible. Before anybody watches.
    func restore(_ event: FeedEvent) {
        state.withLock { state in
            given.store(state.append(event), ordering: .releasing)
            _ = state.publishSlice(upTo: state.given)
            visible.store(state.visible, ordering: .releasing)
        }
    }

    /// Goes on behind a revision of an earlier run, as if all events up to it had been put back and let go of again. Before
    /// any other is put back.
    func skip(to revision: UInt64) {
        state.withLock { state in
            state.skip(to: revision)
            given.store(revision, ordering: .releasing)
            visible.store(revision, ordering: .releasing)
        }
    }

    /// Makes visible what was appended. To be called without any other lock, before the calls that made the changes
    /// are answered. Does nothing where a journal publishes what is durable.
    package func publish() {
        guard !isRecorded else { return }
        publish(upTo: given.load(ordering: .acquiring))
    }

    /// Makes visible what was appended up to `revision`: what is durable, in a store that is.
    package func publish(upTo revision: UInt64) {
        while visible.load(ordering: .acquiring) < revision {
            let (called, isDone) = state.withLock { state in
                let called = state.publishSlice(upTo: revision)
                visible.store(state.visible, ordering: .releasing)
                return (called, state.visible >= min(revision, state.given))
            }
            for sink in called { sink.changesReady() }
            if isDone { return }
        }
    }

    /// As `publish`, if so much has been appended that a live watch could fall behind for no fault of its own.
    func publishIfMany() {
        guard !isRecorded else { return }
        let given = given.load(ordering: .acquiring)
        let visible = visible.load(ordering: .acquiring)
        if given > visible, given - visible >= Self.unpublishedCountMax { publish(upTo: given) }
    }

    // MARK: For the server

    /// Begins a watch. `revision` is where it begins: it will be given every event that it is for with a greater one.
    /// The refusal is WATCH_COMPACTED, if it could not go on from `fromRevision` without a gap; for `.queue` there are
    /// no events and `fromRevision` is nothing.
    package func subscribe(
        _ scope: WatchScope, fromRevision: UInt64?, sink: any FeedSink
    ) -> Result<(subscription: Subscription, revision: UInt64), Refusal> {
        state.withLock { $0.subscribe(scope, fromRevision: fromRevision, sink: sink) }
    }

    /// Ends a watch. Ended ones too are kept until then.
    package func unsubscribe(_ subscription: Subscription) {
        state.withLock { $0.unsubscribe(subscription) }
    }

    /// The subscriptions of `sink` that have something new since it last asked.
    package func takeReady(_ sink: any FeedSink) -> [Subscription] {
        state.withLock { $0.takeReady(sink) }
    }

    /// Appends up to `limit` events of the subscription to `events`. With a limit of 0 it still says up to where the
    /// watch is complete, and whether it has ended.
    package func take(
        _ subscription: Subscription, atMost limit: Int, into events: inout [JobExecutionEvent]
    ) -> Taken {
        state.withLock { $0.take(subscription, atMost: limit, into: &events) }
    }

    /// To be called when a watch has no credit for what waits for it, or no connection that takes it. One for which too much came at once, and that went
    /// back to catching up, is held to the same limit as all others from here on. Says why it has ended, if it has.
    package func holdWaiting(_ subscription: Subscription) -> StatusCode? {
        state.withLock { $0.holdWaiting(subscription) }
    }

    /// Of a `.queue` subscription: whether the list of pending executions has changed, and whether its head may have,
    /// since it was last asked. Nothing has changed right after `subscribe`.
    package func takeQueueChange(_ subscription: Subscription) -> (list: Bool, head: Bool) {
        state.withLock { $0.takeQueueChange(subscription) }
    }
}
