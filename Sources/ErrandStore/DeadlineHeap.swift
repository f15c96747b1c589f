import HeapModule

/// The running timers of a stripe, the earliest first.
///
/// An execution has at most one live entry, the one whose deadline the slot remembers as armed. Moving a deadline
/// later leaves the entry where it is (it is put back when it comes up), so a device that renews its step timer with
/// every report costs nothing here. Entries that no slot remembers any more are stale: they are skipped when they
/// come up, and swept when they are more than half.
struct DeadlineHeap: ~Copyable {
    struct Entry: Comparable {
        let deadline: Int64
        let slot: UInt32

        static func < (left: Self, right: Self) -> Bool { left.deadline < right.deadline }
    }

    private var heap: Heap<Entry> = []
    private var staleCount = 0

    var earliest: Entry? { heap.min }

    mutating func insert(_ deadline: Int64, slot: UInt32) {
        heap.insert(Entry(deadline: deadline, slot: slot))
    }

    mutating func removeEarliest(isStale: Bool) {
        _ = heap.popMin()
        // Two entries may look the same, one of them stale, so the count is a guide and not exact.
        if isStale, staleCount > 0 { staleCount -= 1 }
    }

    mutating func noteStale() { staleCount += 1 }

    /// Rarely does anything, and then its work has been paid for by as many insertions.
    mutating func sweepIfMostlyStale(keeping isLive: (Entry) -> Bool) {
        guard staleCount * 2 > heap.count, heap.count >= 64 else { return }
        heap = Heap(heap.unordered.filter(isLive))
        staleCount = 0
    }
}
