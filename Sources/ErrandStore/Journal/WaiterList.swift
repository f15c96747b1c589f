/// Who waits for a group, told in the order of sequences. Keeps its memory when it is emptied.
struct WaiterList: Sendable {
    private struct Entry: Sendable {
        var sequence: UInt64
        var waiter: any DurabilityWaiter
    }

    private var entries: [Entry] = []
    private var isSorted = true

    mutating func add(_ waiter: any DurabilityWaiter, _ sequence: UInt64) {
        if let last = entries.last, last.sequence > sequence { isSorted = false }
        entries.append(Entry(sequence: sequence, waiter: waiter))
    }

    mutating func tellAll(_ tell: (any DurabilityWaiter) -> Void) {
        // Producers register after they have let go of their locks, so that a few come out of order.
        if !isSorted { entries.sort { $0.sequence < $1.sequence } }
        for entry in entries { tell(entry.waiter) }
        entries.removeAll(keepingCapacity: true)
        isSorted = true
    }
}

final class ClosureWaiter: DurabilityWaiter {
    private let action: @Sendable (Result<Void, StorageFault>) -> Void

    init(action: @escaping @Sendable (Result<Void, StorageFault>) -> Void) { self.action = action }

    func durable() { action(.success(())) }
    func failed(_ fault: StorageFault) { action(.failure(fault)) }
}
