import ErrandCore

/// The subscriptions of a feed and their sinks. Places of those that are gone are used again.
struct FeedSubscribers {
    struct Subscriber {
        /// 0 for none.
        var serial: UInt64
        var scope: WatchScope
        var sink: Int
        /// Up to and including where it has been given all that it is for.
        var revision: UInt64
        /// Its place in the audience; nothing while it catches up, or when it has ended.
        var place: Int?
        var wasLive = false
        var waiting = RevisionQueue()
        var ended: StatusCode?
        /// Whether it is on its sink's list of ready ones.
        var isReady = false
        var listChanged = false
        var headMayHaveChanged = false
    }

    private struct Sink {
        /// Nothing in a free place.
        var sink: (any FeedSink)?
        var subscriptionCount = 0
        var ready: [ChangeFeed.Subscription] = []
        /// Whether it was called and has not asked yet.
        var isCalled = false
    }

    private var subscribers: ContiguousArray<Subscriber> = []
    private var freeSubscribers: ContiguousArray<Int> = []
    private var sinks: ContiguousArray<Sink> = []
    private var freeSinks: ContiguousArray<Int> = []
    private var sinkIndexes: [ObjectIdentifier: Int] = [:]
    private var lastSerial: UInt64 = 0

    var indices: Range<Int> { subscribers.indices }

    subscript(index: Int) -> Subscriber {
        _read { yield subscribers[index] }
        _modify { yield &subscribers[index] }
    }

    /// Where it is; nothing if it was unsubscribed.
    func index(of subscription: ChangeFeed.Subscription) -> Int? {
        subscribers[subscription.index].serial == subscription.serial ? subscription.index : nil
    }

    mutating func insert(
        _ scope: WatchScope, revision: UInt64, sink: any FeedSink
    ) -> ChangeFeed.Subscription {
        lastSerial += 1
        let subscriber = Subscriber(serial: lastSerial, scope: scope, sink: indexInserting(sink), revision: revision)
        guard let index = freeSubscribers.popLast() else {
            subscribers.append(subscriber)
            return ChangeFeed.Subscription(index: subscribers.count - 1, serial: lastSerial)
        }
        subscribers[index] = subscriber
        return ChangeFeed.Subscription(index: index, serial: lastSerial)
    }

    mutating func remove(_ subscription: ChangeFeed.Subscription) {
        let index = subscription.index
        let sink = subscribers[index].sink
        if subscribers[index].isReady { sinks[sink].ready.removeAll { $0 == subscription } }
        subscribers[index] = Subscriber(serial: 0, scope: .everything, sink: 0, revision: 0)
        freeSubscribers.append(index)
        sinks[sink].subscriptionCount -= 1
        guard sinks[sink].subscriptionCount == 0 else { return }
        if let object = sinks[sink].sink { sinkIndexes[ObjectIdentifier(object)] = nil }
        sinks[sink] = Sink()
        freeSinks.append(sink)
    }

    /// Puts it on its sink's list. Returns the sink if it is to be called.
    mutating func makeReady(_ index: Int) -> (any FeedSink)? {
        guard !subscribers[index].isReady else { return nil }
        subscribers[index].isReady = true
        let sink = subscribers[index].sink
        sinks[sink].ready.append(ChangeFeed.Subscription(index: index, serial: subscribers[index].serial))
        guard !sinks[sink].isCalled else { return nil }
        sinks[sink].isCalled = true
        return sinks[sink].sink
    }

    mutating func takeReady(_ sink: any FeedSink) -> [ChangeFeed.Subscription] {
        guard let index = sinkIndexes[ObjectIdentifier(sink)] else { return [] }
        var ready: [ChangeFeed.Subscription] = []
        swap(&ready, &sinks[index].ready)
        sinks[index].isCalled = false
        for subscription in ready { subscribers[subscription.index].isReady = false }
        return ready
    }

    private mutating func indexInserting(_ sink: any FeedSink) -> Int {
        if let index = sinkIndexes[ObjectIdentifier(sink)] {
            sinks[index].subscriptionCount += 1
            return index
        }
        let index = freeSinks.popLast() ?? sinks.count
        if index == sinks.count { sinks.append(Sink()) }
        sinks[index] = Sink(sink: sink, subscriptionCount: 1)
        sinkIndexes[ObjectIdentifier(sink)] = index
        return index
    }
}
