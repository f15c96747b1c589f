import ErrandCore

/// The last events, by revision: so many are kept that a watch can go on after a while away.
struct EventRing {
    /// The event with revision `base + 1` stands at 0, and after `capacity` events its place is used again.
    private var events: ContiguousArray<JobExecutionEvent> = []
    private let base: UInt64
    private let capacity: Int
    private(set) var lastRevision: UInt64

    init(base: UInt64, capacity: Int) {
        self.base = base
        self.capacity = max(1, capacity)
        lastRevision = base
    }

    /// The oldest revision that is kept; the next one to come if nothing is.
    var firstRevision: UInt64 { lastRevision - UInt64(events.count) + 1 }

    /// Gives the event the next revision.
    mutating func append(_ event: consuming JobExecutionEvent) -> UInt64 {
        let revision = lastRevision + 1
        event.revision = revision
        if events.count < capacity {
            events.append(event)
        } else {
            events[place(of: revision)] = event
        }
        lastRevision = revision
        return revision
    }

    /// Nothing if it is no longer kept, or not there yet.
    subscript(revision: UInt64) -> JobExecutionEvent? {
        guard revision >= firstRevision, revision <= lastRevision else { return nil }
        return events[place(of: revision)]
    }

    private func place(of revision: UInt64) -> Int { Int((revision - base - 1) % UInt64(capacity)) }
}
