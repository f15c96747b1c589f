import ErrandCore

/// What the feed's lock guards.
struct FeedState {
    /// How many events are looked at in one hold of the lock, so that those who append never wait for long.
    static let sliceCount = 2048

    private(set) var ring: FeedRing
    /// The newest revision that watches may see.
    private(set) var visible: UInt64
    private var subscribers = FeedSubscribers()
    /// Those that have caught up.
    private var audience = FeedAudience()
    private let lagCountMax: Int

    init(firstRevision: UInt64, limits: StoreLimits) {
        ring = FeedRing(
            firstRevision: firstRevision, countMax: limits.watchHistoryEventCount,
            detailsByteCountMax: limits.watchHistoryDetailsByteCountMax)
        visible = firstRevision - 1
        lagCountMax = limits.watchLagEventCountMax
    }

    /// The newest revision that was given.
    var given: UInt64 { ring.next - 1 }

    mutating func append(_ event: FeedEvent) -> UInt64 {
        ring.append(event)
        return given
    }

    /// See `FeedRing`. Before anybody watches.
    mutating func skip(to revision: UInt64) {
        ring.skip(to: revision)
        visible = revision
    }

    /// Makes visible up to `revision`, but only a slice. Returns the sinks to call.
    mutating func publishSlice(upTo revision: UInt64) -> [any FeedSink] {
        var called: [any FeedSink] = []
        let newest = min(revision, given)
        guard newest > visible else { return called }
        guard !audience.isEmpty else {
            visible = newest
            return called
        }
        if visible + 1 < ring.oldest {
            loseTrack(&called)
            visible = min(newest, ring.oldest - 1)
        }
        let sliceEnd = min(newest, visible + UInt64(Self.sliceCount))
        while visible < sliceEnd {
            visible += 1
            for index in noteVisible(&called) { fallBehind(index, &called) }
        }
        return called
    }

    /// Gives the newest visible event to those whom it is for. Returns those that have fallen too far behind; they
    /// leave only when the audience has been gone through.
    private mutating func noteVisible(_ called: inout [any FeedSink]) -> [Int] {
        let event = ring[visible]
        let audience = audience
        var lagging: [Int] = []
        audience.forEach(of: event) { index in
            if case .queue = subscribers[index].scope {
                if let change = event.queueChange { note(change, for: index, &called) }
            } else if subscribers[index].waiting.count == lagCountMax {
                lagging.append(index)
            } else {
                subscribers[index].waiting.append(visible)
                if let sink = subscribers.makeReady(index) { called.append(sink) }
            }
        }
        return lagging
    }

    private mutating func note(_ change: (list: Bool, head: Bool), for index: Int, _ called: inout [any FeedSink]) {
        if change.list { subscribers[index].listChanged = true }
        if change.head { subscribers[index].headMayHaveChanged = true }
        if let sink = subscribers.makeReady(index) { called.append(sink) }
    }

    /// More waits than may. If the sink has had the chance to take, the watch is too slow. If it has not been asked for
    /// yet (one call may make thousands of changes, on the very thread that serves the watch), it goes back to catching
    /// up, and only what the ring lets go of is lost to it.
    private mutating func fallBehind(_ index: Int, _ called: inout [any FeedSink]) {
        guard subscribers[index].isReady else {
            end(index, .slowConsumer, &called)
            return
        }
        leaveAudience(index)
        // Before the first that waits nothing is missing, however long ago it was last asked.
        if let first = subscribers[index].waiting.first { subscribers[index].revision = first - 1 }
        subscribers[index].waiting = RevisionQueue()
    }

    /// The ring let go of events before they were looked at, because more was appended at once than it holds. Whoever
    /// may have missed one is told so.
    private mutating func loseTrack(_ called: inout [any FeedSink]) {
        for index in subscribers.indices where subscribers[index].place != nil {
            if case .queue = subscribers[index].scope {
                note((true, true), for: index, &called)
            } else {
                end(index, .slowConsumer, &called)
            }
        }
    }

    private mutating func end(_ index: Int, _ status: StatusCode, _ called: inout [any FeedSink]) {
        end(index, status)
        if let sink = subscribers.makeReady(index) { called.append(sink) }
    }

    /// Nothing more comes for it, and what waited is dropped.
    private mutating func end(_ index: Int, _ status: StatusCode) {
        leaveAudience(index)
        subscribers[index].ended = status
        subscribers[index].waiting = RevisionQueue()
    }

    // MARK: Subscribing

    mutating func subscribe(
        _ scope: WatchScope, fromRevision: UInt64?, sink: any FeedSink
    ) -> Result<(subscription: ChangeFeed.Subscription, revision: UInt64), Refusal> {
        let revision = fromRevision ?? visible
        guard revision <= visible else {
            let message = "fromRevision \(revision) is greater than any revision given so far; watch anew, then read"
            return .failure(Refusal(.watchCompacted, message))
        }
        guard revision == visible || revision + 1 >= ring.oldest else {
            let message = "events from \(revision + 1) to \(ring.oldest - 1) are no longer kept; watch anew, then read"
            return .failure(Refusal(.watchCompacted, message))
        }
        let subscription = subscribers.insert(scope, revision: revision, sink: sink)
        if revision == visible { joinAudience(subscription.index) }
        return .success((subscription, revision))
    }

    mutating func unsubscribe(_ subscription: ChangeFeed.Subscription) {
        guard let index = subscribers.index(of: subscription) else { return }
        leaveAudience(index)
        subscribers.remove(subscription)
    }

    mutating func takeReady(_ sink: any FeedSink) -> [ChangeFeed.Subscription] { subscribers.takeReady(sink) }

    private mutating func joinAudience(_ index: Int) {
        subscribers[index].place = audience.insert(index, for: subscribers[index].scope)
        subscribers[index].wasLive = true
    }

    private mutating func leaveAudience(_ index: Int) {
        guard let place = subscribers[index].place else { return }
        subscribers[index].place = nil
        if let moved = audience.remove(at: place, for: subscribers[index].scope) { subscribers[moved].place = place }
    }

    // MARK: Taking

    mutating func take(
        _ subscription: ChangeFeed.Subscription, atMost limit: Int, into events: inout [JobExecutionEvent]
    ) -> ChangeFeed.Taken {
        guard let index = subscribers.index(of: subscription) else {
            return ChangeFeed.Taken(revision: 0, ended: .cancelled)
        }
        if subscribers[index].ended == nil {
            if subscribers[index].place == nil {
                catchUp(index, atMost: limit, into: &events)
            } else {
                takeWaiting(index, atMost: limit, into: &events)
            }
        }
        let subscriber = subscribers[index]
        let isMoreWaiting = subscriber.ended == nil && subscriber.revision < visible
        return ChangeFeed.Taken(revision: subscriber.revision, isMoreWaiting: isMoreWaiting, ended: subscriber.ended)
    }

    /// Whether the list has changed, and whether the head may have, since it was last asked.
    mutating func takeQueueChange(_ subscription: ChangeFeed.Subscription) -> (list: Bool, head: Bool) {
        guard let index = subscribers.index(of: subscription) else { return (false, false) }
        defer {
            subscribers[index].listChanged = false
            subscribers[index].headMayHaveChanged = false
        }
        return (subscribers[index].listChanged, subscribers[index].headMayHaveChanged)
    }

    private mutating func takeWaiting(_ index: Int, atMost limit: Int, into events: inout [JobExecutionEvent]) {
        var room = min(limit, Self.sliceCount)
        while let revision = subscribers[index].waiting.first {
            guard revision >= ring.oldest else {
                end(index, .slowConsumer)
                return
            }
            guard room > 0 else {
                subscribers[index].revision = revision - 1
                return
            }
            events.append(ring[revision].shown(revision: revision))
            subscribers[index].waiting.removeFirst()
            subscribers[index].revision = revision
            room -= 1
        }
        // Nothing waits, so nothing that is visible is missing.
        subscribers[index].revision = visible
    }

    /// Makes a subscription that fell back to catching up live again, with what waits for it; or ends it, if that is more
    /// than may wait. Looks through all that the ring keeps, at once, but only once after each fall.
    mutating func holdWaiting(_ subscription: ChangeFeed.Subscription) -> StatusCode? {
        guard let index = subscribers.index(of: subscription) else { return .cancelled }
        let subscriber = subscribers[index]
        guard subscriber.ended == nil, subscriber.place == nil, subscriber.wasLive else { return subscriber.ended }
        var waiting = RevisionQueue()
        var revision = subscriber.revision
        let isKept = revision == visible || revision + 1 >= ring.oldest
        while isKept, revision < visible, waiting.count <= lagCountMax {
            revision += 1
            if ring[revision].isFor(subscriber.scope) { waiting.append(revision) }
        }
        guard isKept, waiting.count <= lagCountMax else {
            end(index, .slowConsumer)
            return .slowConsumer
        }
        subscribers[index].waiting = waiting
        joinAudience(index)
        return nil
    }

    /// Looks through a slice of the past; at its end the subscription is live.
    private mutating func catchUp(_ index: Int, atMost limit: Int, into events: inout [JobExecutionEvent]) {
        var revision = subscribers[index].revision
        guard revision == visible || revision + 1 >= ring.oldest else {
            end(index, subscribers[index].wasLive ? .slowConsumer : .watchCompacted)
            return
        }
        var room = limit
        let scope = subscribers[index].scope
        let sliceEnd = min(visible, revision + UInt64(Self.sliceCount))
        while revision < sliceEnd {
            if ring[revision + 1].isFor(scope) {
                guard room > 0 else { break }
                events.append(ring[revision + 1].shown(revision: revision + 1))
                room -= 1
            }
            revision += 1
        }
        subscribers[index].revision = revision
        if revision == visible { joinAudience(index) }
    }
}
