internal import Dispatch
internal import Synchronization

/// A clock that stands still until it is moved.
package final class ManualClock: Sendable {
    private let now: Atomic<Int64>

    package init(at milliseconds: Int64 = 1_000_000) {
        now = Atomic(milliseconds)
    }

    package var nowMilliseconds: Int64 { now.load(ordering: .relaxed) }

    package func advance(byMilliseconds milliseconds: Int64) {
        now.wrappingAdd(milliseconds, ordering: .relaxed)
    }
}

/// Counts from any thread.
package final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}
    package var value: Int { count.load(ordering: .sequentiallyConsistent) }
    @discardableResult
    package func add(_ more: Int = 1) -> Int { count.wrappingAdd(more, ordering: .sequentiallyConsistent).newValue }
}

/// Looks until `condition` holds, for a bounded time; returns whether it came to hold.
package func eventually(
    within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
        if try await condition() { return true }
        if ContinuousClock.now > deadline { return false }
        // A pause between two looks, so that hundreds of tests that wait do not keep the CPUs from those that work.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(2)) { continuation.resume() }
        }
    }
}
