import ErrandCore

/// What the feed's lock guards.
struct FeedState {
    private struct ExecutionName: Hashable {
        var jobId: JobId
        var thingName: ThingName
    }

    private struct Sink {
        var sink: any FeedSink
        var subscriptionCount = 0
        var ready: [UInt64] = []
        var isTold = false
    }

    var ring: EventRing
    private(set) var visibleRevision: UInt64
    private let lagMax: Int
    private var lastId: UInt64 = 0
    private var subscriptions: [UInt64: WatchSubscription] = [:]
    private var sinks: [ObjectIdentifier: Sink] = [:]
    /// Who is to be told of an event; its cost follows the number of those, not of all watches.
    private var ofEverything: [UInt64] = []
    private var ofJob: [JobId: [UInt64]] = [:]
    private var ofThing: [ThingName: [UInt64]] = [:]
    private var ofExecution: [ExecutionName: [UInt64]] = [:]

    /// How many events a watch that catches up looks at under one hold of the lock.
    private static let scanLimit = 2048

    init(base: UInt64, historyCountMax: Int, lagMax: Int) {
        ring = EventRing(base: base, capacity: historyCountMax)
        visibleRevision = base
        self.lagMax = lagMax
    }

    // MARK: Publishing

    /// Returns the sinks to tell.
    mutating func publish(through revision: UInt64) -> [any FeedSink] {
        defer { visibleRevision = max(visibleRevision, revision) }
        guard !subscriptions.isEmpty, revision > visibleRevision else { return [] }
        var told: [any FeedSink] = []
        for published in (visibleRevision + 1)...revision {
            guard let event = ring[published] else { continue }
            for id in ofEverything { deliver(event, to: id, &told) }
            for id in ofJob[event.jobId] ?? [] { deliver(event, to: id, &told) }
            guard let thingName = event.thingName else { continue }
            for id in ofThing[thingName] ?? [] { deliver(event, to: id, &told) }
            if ofExecution.isEmpty { continue }
            let name = ExecutionName(jobId: event.jobId, thingName: thingName)
            for id in ofExecution[name] ?? [] { deliver(event, to: id, &told) }
        }
        return told
    }

    private mutating func deliver(_ event: JobExecutionEvent, to id: UInt64, _ told: inout [any FeedSink]) {
        guard let key = subscriptions[id]?.sink, subscriptions[id]?.deliver(event, lagMax: lagMax) == true,
            subscriptions[id]?.isReady == false
        else { return }
        subscriptions[id]?.isReady = true
        guard var sink = sinks.removeValue(forKey: key) else { return }
        sink.ready.append(id)
        if !sink.isTold {
            sink.isTold = true
            told.append(sink.sink)
        }
        sinks[key] = sink
    }

    // MARK: Subscriptions

    mutating func subscribe(
        _ scope: WatchScope, fromRevision: UInt64?, sink: any FeedSink
    ) -> Result<ChangeFeed.Subscribed, Refusal> {
        if let fromRevision, fromRevision > visibleRevision || fromRevision + 1 < ring.firstRevision {
            let reason =
                fromRevision > visibleRevision
                ? "is not a revision of this server yet" : "is too old: events are kept from \(ring.firstRevision) on"
            return .failure(
                Refusal(.watchCompacted, "revision \(fromRevision) \(reason); watch from now, then read again"))
        }
        lastId += 1
        let revision = fromRevision ?? visibleRevision
        let key = ObjectIdentifier(sink)
        subscriptions[lastId] = WatchSubscription(
            scope: scope, sink: key, cursor: revision == visibleRevision ? nil : revision + 1)
        sinks[key, default: Sink(sink: sink)].subscriptionCount += 1
        let id = lastId
        index(scope) { $0.append(id) }
        return .success(ChangeFeed.Subscribed(id: id, revision: revision))
    }

    mutating func unsubscribe(_ id: UInt64) {
        guard let subscription = subscriptions.removeValue(forKey: id) else { return }
        index(subscription.scope) { ids in ids.removeAll { $0 == id } }
        guard var sink = sinks.removeValue(forKey: subscription.sink) else { return }
        sink.subscriptionCount -= 1
        if subscription.isReady { sink.ready.removeAll { $0 == id } }
        if sink.subscriptionCount > 0 { sinks[subscription.sink] = sink }
    }

    /// Changes the list of those to tell of what a scope includes; an empty list is forgotten.
    private mutating func index(_ scope: WatchScope, _ change: (inout [UInt64]) -> Void) {
        func changed<Key>(_ lists: inout [Key: [UInt64]], _ key: Key) {
            var ids = lists.removeValue(forKey: key) ?? []
            change(&ids)
            if !ids.isEmpty { lists[key] = ids }
        }
        switch scope {
        case .everything: change(&ofEverything)
        case .job(let jobId): changed(&ofJob, jobId)
        case .thing(let thingName), .queue(let thingName): changed(&ofThing, thingName)
        case .execution(let jobId, let thingName):
            changed(&ofExecution, ExecutionName(jobId: jobId, thingName: thingName))
        }
    }

    // MARK: Taking

    mutating func takeReady(_ key: ObjectIdentifier) -> [UInt64] {
        guard var sink = sinks.removeValue(forKey: key) else { return [] }
        let ready = sink.ready
        sink.ready = []
        sink.isTold = false
        sinks[key] = sink
        for id in ready { subscriptions[id]?.isReady = false }
        return ready
    }

    mutating func takeQueueChange(_ id: UInt64) -> QueueChange {
        guard let change = subscriptions[id]?.queueChange else { return QueueChange() }
        subscriptions[id]?.queueChange = QueueChange()
        return change
    }

    mutating func take(
        _ id: UInt64, atMost limit: Int, into events: inout [JobExecutionEvent]
    ) -> ChangeFeed.Taken {
        guard var subscription = subscriptions.removeValue(forKey: id) else {
            return ChangeFeed.Taken(revision: visibleRevision)
        }
        defer { subscriptions[id] = subscription }
        if let ended = subscription.ended { return ChangeFeed.Taken(revision: visibleRevision, ended: ended) }
        if let cursor = subscription.cursor { return catchUp(&subscription, from: cursor, atMost: limit, &events) }
        var count = 0
        while count < limit, let revision = subscription.takePending() {
            guard let event = ring[revision] else {
                // So many others happened meanwhile that what it waited for is not kept any more.
                subscription.end(.slowConsumer)
                return ChangeFeed.Taken(revision: visibleRevision, ended: .slowConsumer)
            }
            events.append(event)
            count += 1
        }
        guard let next = subscription.firstPending else { return ChangeFeed.Taken(revision: visibleRevision) }
        return ChangeFeed.Taken(revision: events.last?.revision ?? next - 1, hasMore: true)
    }

    func hasFallenBehind(_ id: UInt64) -> Bool { subscriptions[id]?.hasFallenBehind ?? false }

    /// Looks for what a watch of the past is for, up to the present.
    private func catchUp(
        _ subscription: inout WatchSubscription, from cursor: UInt64, atMost limit: Int,
        _ events: inout [JobExecutionEvent]
    ) -> ChangeFeed.Taken {
        var next = cursor
        var count = 0
        let scanEnd = next.addingReportingOverflow(UInt64(Self.scanLimit)).partialValue
        while count < limit, next <= visibleRevision, next < scanEnd {
            guard let event = ring[next] else {
                let status = subscription.hasFallenBehind ? StatusCode.slowConsumer : .watchCompacted
                subscription.end(status)
                return ChangeFeed.Taken(revision: next - 1, ended: status)
            }
            if subscription.scope.includes(event) {
                events.append(event)
                count += 1
            }
            next += 1
        }
        let isUpToDate = next > visibleRevision
        subscription.cursor = isUpToDate ? nil : next
        if isUpToDate { subscription.hasFallenBehind = false }
        return ChangeFeed.Taken(revision: next - 1, hasMore: !isUpToDate)
    }
}
