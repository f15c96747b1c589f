internal import ErrandCore
internal import ErrandStore
internal import Synchronization

/// What the server says of itself, and what it counts.
final class ServerStatus: Sendable {
    let clock: ServerClock
    let store: any ExecutionStore
    private let template: ServerInfo
    private let callCount = Atomic<UInt64>(0)
    private let connectionCount = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    init(template: ServerInfo, clock: ServerClock, store: any ExecutionStore) {
        self.template = template
        self.clock = clock
        self.store = store
    }

    var isDraining: Bool { draining.load(ordering: .relaxed) }
    func startDraining() { draining.store(true, ordering: .relaxed) }

    var health: Health { isDraining ? .draining : .serving }

    func answered(_ count: Int) { callCount.wrappingAdd(UInt64(count), ordering: .relaxed) }

    var connections: Int { connectionCount.load(ordering: .relaxed) }

    /// Returns how many there are now.
    func connectionOpened() -> Int { connectionCount.wrappingAdd(1, ordering: .relaxed).newValue }
    func connectionClosed() { connectionCount.wrappingSubtract(1, ordering: .relaxed) }

    var info: ServerInfo {
        var info = template
        let counts = store.counts
        info.nowMilliseconds = clock.nowMilliseconds()
        info.jobCount = counts.jobCount
        info.executionCount = counts.executionCount
        info.callCount = callCount.load(ordering: .relaxed)
        info.connectionCount = UInt64(max(0, connections))
        return info
    }
}
