import Synchronization

/// What was announced as the time of the next `advance`, and whom to tell when something is due earlier.
struct EarliestDue: ~Copyable, Sendable {
    private let announced = Atomic<Int64>(Int64.max)
    private let notify = Mutex<(@Sendable (Int64) -> Void)?>(nil)

    borrowing func onEarlier(_ notify: @escaping @Sendable (Int64) -> Void) {
        self.notify.withLock { $0 = notify }
    }

    /// Something will be due at `time`. Not to be called under a lock of the store: the one told may call back.
    borrowing func willBeDue(at time: Int64) {
        guard time < announced.load(ordering: .acquiring),
            announced.min(time, ordering: .acquiringAndReleasing).oldValue > time
        else { return }
        let notify = notify.withLock { $0 }
        notify?(time)
    }

    /// From here on everything new counts as earlier, so that nothing that appears behind an `advance` which is
    /// looking around is missed.
    borrowing func beginAdvance() {
        announced.store(Int64.max, ordering: .sequentiallyConsistent)
    }

    /// Returns what to announce: what the `advance` found, or what appeared meanwhile.
    borrowing func endAdvance(nextDue: Int64) -> Int64? {
        let next = announced.min(nextDue, ordering: .acquiringAndReleasing).newValue
        return next == Int64.max ? nil : next
    }
}
