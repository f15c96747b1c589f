import ErrandWire
import Testing

/// What the deflater makes, the inflater must take back, whatever the bytes: they come from two libraries.
@Suite(.timeLimit(.minutes(2)))
struct DeflaterTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomSegmentsComeBackAndRefusalsLeaveNoTrace(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let deflater = Deflater()
        let inflater = Inflater()
        var inflated: [UInt8] = []
        var smaller = 0
        var refused = 0
        for turn in 0..<60 {
            // Few different bytes compress, all 256 do not.
            let greatest: UInt8 = turn % 3 == 0 ? 255 : UInt8.random(in: 0...7, using: &generator)
            let count = Int.random(in: 1...(turn % 20 == 1 ? 100_000 : 5000), using: &generator)
            let raw = (0..<count).map { _ in UInt8.random(in: 0...greatest, using: &generator) }
            var output: [UInt8] = [7, 7, 7]
            guard deflater.appendSmaller(raw.span.bytes, to: &output) else {
                #expect(output == [7, 7, 7])
                refused += 1
                continue
            }
            smaller += 1
            #expect(Array(output.prefix(3)) == [7, 7, 7])
            #expect(output.count - 3 < raw.count)
            try inflater.inflate(output.span.bytes.extracting(droppingFirst: 3), rawByteCount: count, into: &inflated)
            #expect(Array(inflated.prefix(count)) == raw)
        }
        #expect(smaller > 10)
        #expect(refused >= 20)
    }

    /// The sender's side of the targets' row S11.
    @Test func repliesShrinkToAQuarter() throws {
        var raw: [UInt8] = []
        for index in 0..<16 {
            let (percent, number) = (index * 37 % 100, 1_000_000 + index * 48271 % 100_000)
            raw += "bench-3735928559 press-line-\(number) progress \(percent)/100 download: block 00\(percent)".utf8
            raw += [UInt8](repeating: 0, count: 40)
        }
        var output: [UInt8] = []
        try #require(Deflater().appendSmaller(raw.span.bytes, to: &output))
        #expect(output.count * 4 <= raw.count)
    }
}
