import Dispatch
import ErrandCore
import ErrandStore
import Synchronization
import Testing

/// One subscription, taken from as a server does.
final class FeedWatch: Sendable {
    let feed: ChangeFeed
    let scope: WatchScope
    let subscription: ChangeFeed.Subscription
    /// Where it began.
    let startRevision: UInt64
    private let calls = Atomic(0)
    private let called = DispatchSemaphore(value: 0)

    /// A sink is needed before there is a subscription, so the calls go to one that passes them on.
    private final class Relay: FeedSink {
        let target = Mutex<@Sendable () -> Void>({})

        func changesReady() { target.withLock { $0 }() }
    }

    private let relay = Relay()

    init(_ feed: ChangeFeed, _ scope: WatchScope, from revision: UInt64? = nil) throws {
        self.feed = feed
        self.scope = scope
        (subscription, startRevision) = try feed.subscribe(scope, fromRevision: revision, sink: relay).get()
        relay.target.withLock { $0 = { [weak self] in self?.noteCall() } }
    }

    private func noteCall() {
        calls.add(1, ordering: .relaxed)
        called.signal()
    }

    /// How often it was called since it last asked.
    var callCount: Int { calls.load(ordering: .relaxed) }

    func takeReady() -> [ChangeFeed.Subscription] {
        calls.store(0, ordering: .relaxed)
        return feed.takeReady(relay)
    }

    func waitForCall() { called.wait() }

    func take(atMost limit: Int = 100) -> (events: [JobExecutionEvent], taken: ChangeFeed.Taken) {
        var events: [JobExecutionEvent] = []
        let taken = feed.take(subscription, atMost: limit, into: &events)
        return (events, taken)
    }

    /// Everything that there is, in portions.
    func takeAll(atMost limit: Int = 100) -> (events: [JobExecutionEvent], taken: ChangeFeed.Taken) {
        var events: [JobExecutionEvent] = []
        while true {
            let count = events.count
            let taken = feed.take(subscription, atMost: limit, into: &events)
            #expect(events.count - count <= limit)
            if !taken.isMoreWaiting { return (events, taken) }
        }
    }

    /// What has come since, one short line for each event.
    func lines() -> [String] { takeAll().events.map(\.line) }

    func unsubscribe() { feed.unsubscribe(subscription) }
}

extension StoreDriver {
    func watch(_ scope: WatchScope = .everything, from revision: UInt64? = nil) throws -> FeedWatch {
        try FeedWatch(store.changes, scope, from: revision)
    }
}

extension JobExecutionEvent {
    /// `who what from>to`.
    var line: String {
        switch subject {
        case .execution(let state):
            "\(actor) \(jobId)/\(state.thingName)#\(state.executionNumber) v\(state.versionNumber) "
                + "\(state.from.map(\.description) ?? "")>\(state.to)\(state.forceCanceled ? " forced" : "")"
        case .executionDeleted(let thingName, let number, let version, _, let from):
            "\(actor) \(jobId)/\(thingName)#\(number) v\(version) \(from)>"
        case .job(let from, let to): "\(actor) \(jobId) \(from.map(\.description) ?? "")>\(to)"
        case .jobDeleted(let from): "\(actor) \(jobId) \(from)>"
        }
    }

    /// What SPEC §9.23 says of the scopes, spelled out anew.
    func belongs(to scope: WatchScope) -> Bool {
        switch scope {
        case .everything: true
        case .job(let id): jobId == id
        case .thing(let name): thingName == name
        case .execution(let id, let name): jobId == id && thingName == name
        case .queue: false
        }
    }
}

func feedStore(_ change: (inout StoreLimits) -> Void) -> StoreDriver {
    var limits = StoreLimits()
    change(&limits)
    return StoreDriver(MemoryExecutionStore(rules: ExecutionRules(minuteLengthMilliseconds: 60_000), limits: limits))
}
