/// The revisions that wait for one watch, in rising order. Its owner bounds it.
struct RevisionQueue {
    private var revisions: ContiguousArray<UInt64> = []
    /// How many at the front were taken.
    private var takenCount = 0

    var count: Int { revisions.count - takenCount }

    var first: UInt64? { takenCount < revisions.count ? revisions[takenCount] : nil }

    mutating func append(_ revision: UInt64) {
        // A watch that is always a little behind never empties its queue; what was taken makes room here, at a cost
        // that the taking has paid for.
        if takenCount >= 32, takenCount * 2 >= revisions.count {
            revisions.removeFirst(takenCount)
            takenCount = 0
        }
        revisions.append(revision)
    }

    mutating func removeFirst() {
        takenCount += 1
        guard takenCount == revisions.count else { return }
        // Most watches have little waiting most of the time, so the memory of a backlog is given back.
        revisions.removeAll(keepingCapacity: revisions.count <= 32)
        takenCount = 0
    }
}
