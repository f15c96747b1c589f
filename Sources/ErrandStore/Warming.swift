internal import CPrefetch
import ErrandCore
import Synchronization

/// Where a batch's calls will look is scattered over all the store's memory, and what is not in a cache takes longer to
/// come than everything else a describe does. So before the calls of a batch are decided one after the other, most of
/// what they need is asked for together. More steps, for the tables on the way and for the details behind, cost as
/// much in locks as they saved.
extension MemoryExecutionStore {
    /// How many calls are warmed together: more would push each other out again.
    private static let warmedCountMax = 32

    /// Warms describes from `start` on; returns where to warm again.
    func warm(_ commands: [StoreCommand], _ describes: borrowing DescribeLane, from start: Int) -> Int {
        let end = min(commands.count, start + Self.warmedCountMax)
        // Alone it would only pay for the steps.
        guard end - start > 2 else { return end }
        var hashes = InlineArray<32, UInt64>(repeating: 0)
        var count = 0
        for index in start..<end {
            guard case .describe(let call) = commands[index] else { continue }
            let hash = nameHash(describes.thingName(of: call))
            hashes[count] = hash
            count += 1
            stripes[Int(hash & stripeMask)].prefetch()
        }
        guard count > 2 else { return end }
        for index in 0..<count {
            withStripe(of: hashes[index]) { $0.prefetch($1) }
        }
        return end
    }
}

private let lineByteCount = 64

extension MemoryExecutionStore.LockedStripe {
    func prefetch() {
        // The object's own address; it is alive.
        errand_prefetch_to_write(Unmanaged.passUnretained(self).toOpaque())
    }
}

extension ContiguousArray {
    /// Of some elements from `index` on; only ever an address, which nobody reads through.
    @inline(__always)
    func prefetch(_ index: Int, count: Int = 1) {
        withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let stride = MemoryLayout<Element>.stride
            var address = base + index * stride
            let end = address + count * stride
            while address < end {
                errand_prefetch(address)
                address += lineByteCount
            }
        }
    }
}

extension Stripe {
    /// What a call on the thing with this hash will look at. Nothing that is found here is relied on later.
    func prefetch(_ hash: UInt32) {
        guard let thing = things.likelyIndex(of: hash) else { return }
        things.prefetchName(of: thing)
        let slot = things[thing].newestSlot
        if slot != ExecutionSlot.none { slots.prefetch(Int(slot)) }
    }
}
