internal import CPrefetch
import ErrandCore
import Synchronization

/// Where a batch's describes and updates will look is scattered over all the store's memory, and what is not in a cache takes longer
/// to come than everything else that a describe does. So before they are decided one after the other, what they need is asked
/// for together, step by step: where the thing stands in the table, its name and newest execution, the details. A step
/// holds a stripe's lock only to look at what the step before has brought; the first needs none.
extension MemoryExecutionStore {
    /// How many are decided together: more would push each other's memory out of the cache again.
    private static let togetherCountMax = 32

    /// Decides a run of describes, in their order.
    func describe(_ run: Range<Int>, _ lane: inout DescribeLane, _ turn: inout Turn) {
        var start = run.lowerBound
        while start < run.upperBound {
            let end = min(run.upperBound, start + Self.togetherCountMax)
            describeTogether(start..<end, &lane, &turn)
            start = end
        }
    }

    private func describeTogether(_ places: Range<Int>, _ lane: inout DescribeLane, _ turn: inout Turn) {
        var hashes = InlineArray<32, UInt64>(repeating: 0)
        let first = places.lowerBound
        for place in places { hashes[place - first] = nameHash(lane.thingName(of: place)) }
        // Alone it would only pay for the steps.
        if places.count > 2 { warm(hashes, count: places.count) { $0.prefetchDetails(of: $1) } }
        for place in places {
            let hash = hashes[place - first]
            withStripe(of: hash) { $0.describe(place, hash: $1, &lane, &turn) }
            if !turn.abortedJobs.isEmpty { sweepAborted(&turn) }
        }
    }

    /// Asks for what the updates among the next commands need. Returns where the ones after these begin.
    func warmUpdates(_ commands: [StoreCommand], from start: Int) -> Int {
        let end = min(commands.count, start + Self.togetherCountMax)
        guard end - start > 2 else { return end }
        var hashes = InlineArray<32, UInt64>(repeating: 0)
        var count = 0
        for index in start..<end {
            guard case .update(let request) = commands[index] else { continue }
            hashes[count] = nameHash(request.thingName.bytes)
            count += 1
        }
        if count > 2 { warm(hashes, count: count) { $0.prefetchForUpdate(of: $1) } }
        return end
    }

    @inline(__always)
    private func warm(
        _ hashes: borrowing InlineArray<32, UInt64>, count: Int, last: (borrowing Stripe, _ hash: UInt32) -> Void
    ) {
        for index in 0..<count { prefetchPlace(of: hashes[index]) }
        for index in 0..<count { withStripe(of: hashes[index]) { $0.prefetchSlot(of: $1) } }
        for index in 0..<count { withStripe(of: hashes[index]) { last($0, $1) } }
    }

    private func prefetchPlace(of hash: UInt64) {
        let address = stripes[Int(hash & stripeMask)].placesHint.address(of: UInt32(truncatingIfNeeded: hash >> 32))
        // Only ever an address: prefetching reads nothing, and no address can make it fail.
        if let place = UnsafeRawPointer(bitPattern: address) { errand_prefetch(place) }
    }
}

private let lineByteCount = 64

extension ContiguousArray {
    /// Of some elements from `index` on; only ever an address, which nobody reads through.
    @inline(__always)
    func prefetch(_ index: Int, count: Int = 1) {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let stride = MemoryLayout<Element>.stride
            prefetchLines(base + index * stride, byteCount: count * stride)
        }
    }

    /// The first bytes of an array that an element has at that offset.
    @inline(__always)
    func prefetchArray(at fieldOffset: Int, of index: Int, byteCount: Int) {
        withUnsafeBytes { bytes in
            // Where the array's memory is, as a number: to ask for it as an array would count a reference, and wait for the
            // very memory that is asked for here. `load` checks that it is in the bytes of this one.
            let offset = index * MemoryLayout<Element>.stride + fieldOffset
            guard let start = UnsafeRawPointer(bitPattern: bytes.load(fromByteOffset: offset, as: UInt.self)) else {
                return
            }
            prefetchLines(start, byteCount: byteCount)
        }
    }
}

@inline(__always)
private func prefetchLines(_ start: UnsafeRawPointer, byteCount: Int) {
    var address = start
    let end = start + byteCount
    while address < end {
        errand_prefetch(address)
        address += lineByteCount
    }
}

extension Stripe {
    /// What a call on the thing with this hash will look at. Nothing that is found here is relied on later.
    func prefetchSlot(of hash: UInt32) {
        let slot = things.prefetchName(of: hash)
        if slot != ExecutionSlot.none { slots.prefetch(Int(slot)) }
    }

    func prefetchForUpdate(of hash: UInt32) {
        let slot = things.likelyNewestSlot(of: hash)
        guard slot != ExecutionSlot.none else { return }
        prefetchForChange(Int(slot))
    }

    func prefetchDetails(of hash: UInt32) {
        let slot = things.likelyNewestSlot(of: hash)
        guard slot != ExecutionSlot.none else { return }
        // Their header, and as much as usual details have.
        slots.prefetchArray(at: ExecutionSlot.detailsOffset, of: Int(slot), byteCount: 160)
    }
}

extension ExecutionSlot {
    fileprivate static let detailsOffset = MemoryLayout<ExecutionSlot>.offset(of: \.record.statusDetails.flat) ?? 0
    /// Of its only field, an array.
    fileprivate static let logOffset = MemoryLayout<ExecutionSlot>.offset(of: \.log) ?? 0
}

extension Stripe {
    /// What a change of the execution will look at besides its slot.
    func prefetchForChange(_ slot: Int) {
        things.prefetchRecord(slots.span[slot].thing)
        slots.prefetchArray(at: ExecutionSlot.logOffset, of: slot, byteCount: 64)
        slots.prefetchArray(at: ExecutionSlot.detailsOffset, of: slot, byteCount: 160)
    }
}

extension FeedEvent {
    static let detailsOffset = MemoryLayout<FeedEvent>.offset(of: \.statusDetails.flat) ?? 0
}
