/// Counts durations in buckets that are at most 1/64 wide of their value.
struct LatencyHistogram {
    private static let bucketsPerDoubling = 64
    private var counts = [UInt64](repeating: 0, count: 64 * 48)
    private(set) var total: UInt64 = 0

    mutating func record(nanoseconds: Int64) {
        counts[Self.bucket(UInt64(max(0, nanoseconds)))] += 1
        total += 1
    }

    mutating func reset() {
        for index in counts.indices { counts[index] = 0 }
        total = 0
    }

    mutating func add(_ other: Self) {
        guard other.total > 0 else { return }
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
    }

    /// The value that `fraction` of all durations do not exceed.
    func microseconds(at fraction: Double) -> Double {
        let wanted = UInt64((Double(total) * fraction).rounded(.up))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= max(1, wanted) { return Double(Self.upperEdge(index)) / 1000 }
        }
        return 0
    }

    /// The first 64 buckets are 1 ns wide; behind them each doubling has 64.
    private static func bucket(_ value: UInt64) -> Int {
        guard value >= 64 else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - 6
        return min(64 * 48 - 1, (shift + 1) * 64 + Int((value >> UInt64(shift)) & 63))
    }

    private static func upperEdge(_ bucket: Int) -> UInt64 {
        guard bucket >= 64 else { return UInt64(bucket) }
        let shift = UInt64(bucket / 64 - 1)
        return (UInt64(64 + bucket % 64) << shift) + (1 << shift) - 1
    }
}
