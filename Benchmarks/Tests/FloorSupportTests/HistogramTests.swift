import FloorSupport
import Histogram
import Testing

@Suite("The floor's histogram")
struct HistogramTests {
    static let values: [UInt64] = [0, 1, 63, 64, 65, 127, 128, 1_000, 27_351, 1_000_003, 1 << 40, .max]

    @Test(arguments: values)
    func `one value is its own median, to one step`(value: UInt64) {
        let median = quantile(of: [value], 0.5)
        #expect(abs(Double(median) - Double(value)) <= Double(value) / 64)
    }

    @Test func `quantiles follow the order of the values`() {
        let values = (1...10_000).map { UInt64($0) * 100 }
        #expect(abs(Double(quantile(of: values, 0.5)) - 500_000) <= 500_000 / 64)
        #expect(abs(Double(quantile(of: values, 0.99)) - 990_000) <= 990_000 / 64)
    }

    @Test func `buckets never go down as values go up, and the last one is in range`() {
        var last: UInt32 = 0
        for exponent in 2..<64 {
            for offset in [0, 1, 3] as [UInt64] {
                let bucket = floor_histogram_bucket((1 << UInt64(exponent)) + offset)
                #expect(bucket >= last)
                last = bucket
            }
        }
        #expect(floor_histogram_bucket(.max) == UInt32(FLOOR_HISTOGRAM_BUCKETS) - 1)
    }

    @Test func `percentiles are those of HdrHistogram, to one step`() {
        var hdr = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        var state: UInt64 = 88_172_645_463_325_252
        var values: [UInt64] = []
        for _ in 0..<50_000 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            // Long-tailed, as latencies are.
            values.append(1000 + (state % 1_000_000) >> (state >> 32) % 12)
        }
        for value in values { hdr.record(value) }
        for percent in [50, 90, 99, 99.9, 99.99] {
            let (ours, theirs) = (Double(quantile(of: values, percent / 100)), Double(hdr.valueAtPercentile(percent)))
            #expect(abs(ours - theirs) <= theirs / 32, "at \(percent): \(ours), HdrHistogram \(theirs)")
        }
    }

    @Test func `nothing recorded means 0`() {
        #expect(quantile(of: [], 0.5) == 0)
    }

    private func quantile(of values: [UInt64], _ fraction: Double) -> UInt64 {
        // On the heap: 30 KB are no value to pass around.
        let histogram = UnsafeMutablePointer<floor_histogram>.allocate(capacity: 1)
        defer { histogram.deallocate() }
        floor_histogram_reset(histogram)
        for value in values { floor_histogram_record(histogram, value) }
        return floor_histogram_quantile(histogram, fraction)
    }
}
