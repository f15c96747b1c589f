import FloorSupport

/// The floor's histogram as a value.
struct Latencies: Sendable {
    static let percents: [Double] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100]

    private var counts: [UInt64] = []
    private(set) var count = 0

    mutating func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = UInt64(max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
        if counts.isEmpty { counts = Array(repeating: 0, count: FLOOR_HISTOGRAM_BUCKETS) }
        counts[Int(floor_histogram_bucket(nanoseconds))] += 1
        count += 1
    }

    mutating func add(_ other: Latencies) {
        guard !other.counts.isEmpty else { return }
        if counts.isEmpty { counts = Array(repeating: 0, count: other.counts.count) }
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
    }

    func microseconds(at fraction: Double) -> Double {
        let rank = min(UInt64(fraction * Double(count)), UInt64(max(0, count - 1)))
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() where count > 0 {
            seen += count
            if seen > rank { return Double(floor_histogram_bucket_middle(UInt32(bucket))) / 1000 }
        }
        return 0
    }
}
