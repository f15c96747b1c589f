import ErrandCore

/// The last events by revision. Grows up to its limit; from then on the newest takes the place of the oldest, so that
/// appending allocates nothing.
struct FeedRing {
    private var slots: ContiguousArray<FeedEvent> = []
    private let countMax: UInt64
    private let detailsByteCountMax: Int
    /// The revision that lives in the first slot, and in which all others have their place.
    private var origin: UInt64
    /// The revision of the oldest event that is kept, or `next` if there is none.
    private(set) var oldest: UInt64
    /// The revision that the next event will get.
    private(set) var next: UInt64
    private var detailsByteCount = 0

    init(firstRevision: UInt64, countMax: Int, detailsByteCountMax: Int) {
        origin = firstRevision
        oldest = firstRevision
        next = firstRevision
        self.countMax = UInt64(countMax)
        self.detailsByteCountMax = detailsByteCountMax
    }

    /// Only of a revision that is kept.
    subscript(revision: UInt64) -> FeedEvent {
        _read { yield slots[place(of: revision)] }
    }

    mutating func append(_ event: FeedEvent) {
        let place = place(of: next)
        detailsByteCount += event.statusDetails.flat.count
        if place == slots.count {
            slots.append(event)
        } else {
            if next - oldest == countMax {
                // Its slot is the one that is written next, so it need not be cleared.
                detailsByteCount -= slots[place].statusDetails.flat.count
                oldest += 1
                // Those that come next let go of details that nobody has looked at for long.
                let later = (place + 2) % slots.count
                slots.prefetchArray(at: FeedEvent.detailsOffset, of: later, byteCount: 32)
            }
            slots[place] = event
        }
        next += 1
        // Details may be long: without this the ring of a server that is reported to with the longest would take
        // gigabytes. The newest event always stays.
        while detailsByteCount > detailsByteCountMax, next - oldest > 1 { letGoOfOldest() }
    }

    /// Goes on behind a revision whose events nobody needs. Only while none is kept.
    mutating func skip(to revision: UInt64) {
        precondition(slots.isEmpty && revision + 1 >= next, "events that are kept have their places")
        origin = revision + 1
        oldest = revision + 1
        next = revision + 1
    }

    private mutating func letGoOfOldest() {
        let place = place(of: oldest)
        detailsByteCount -= slots[place].statusDetails.flat.count
        slots[place].statusDetails = StatusDetails()
        oldest += 1
    }

    private func place(of revision: UInt64) -> Int { Int((revision - origin) % countMax) }
}
