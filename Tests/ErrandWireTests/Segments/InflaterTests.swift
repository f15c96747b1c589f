import ErrandWire
import Testing

/// The compressed streams of the tests are made of stored blocks and of the code under test's own deflater; the many
/// faulty ones of segments.json run in `SegmentVectorTests`.
@Suite(.timeLimit(.minutes(2)))
struct InflaterTests {
    private func compressed(_ raw: [UInt8]) throws -> [UInt8] {
        var output: [UInt8] = []
        let deflater = Deflater()
        try #require(deflater.appendSmaller(raw.span.bytes, to: &output))
        return output
    }

    private func fault(
        _ stream: [UInt8], rawByteCount: Int, _ inflater: borrowing Inflater, _ output: inout [UInt8]
    ) -> ConnectionFault? {
        do throws(ConnectionFault) {
            try inflater.inflate(stream.span.bytes, rawByteCount: rawByteCount, into: &output)
            return nil
        } catch {
            return error
        }
    }

    @Test func everyFaultHasItsName() throws {
        let raw = [UInt8](repeating: 5, count: 900)
        let stream = try compressed(raw)
        let inflater = Inflater()
        var output: [UInt8] = []
        var wrongSum = stream
        wrongSum[stream.count - 1] ^= 1
        var cases: [(bytes: [UInt8], rawByteCount: Int, fault: ConnectionFault?)] = []
        cases.append((stream, 900, nil))
        cases.append((stream, 899, .compressionLengthMismatch))
        cases.append((stream, 901, .compressionLengthMismatch))
        cases.append((stream + [0], 900, .compressionTrailingBytes))
        cases.append((stream + [0], 899, .compressionLengthMismatch))
        cases.append((stream.dropLast(), 900, .compressionTruncated))
        cases.append((stream.dropLast(5), 900, .compressionTruncated))
        cases.append(([stream[0]], 900, .compressionTruncated))
        cases.append((wrongSum, 900, .compressionCorrupt))
        cases.append((wrongSum, 899, .compressionLengthMismatch))
        cases.append(([0x79] + stream.dropFirst(), 900, .compressionCorrupt))
        // A preset dictionary, and a window of 16 bits.
        cases.append(([0x78, 0xBB, 0, 0, 0, 1] + stream.dropFirst(2), 900, .compressionCorrupt))
        cases.append(([0x88, 0x1C] + stream.dropFirst(2), 900, .compressionCorrupt))
        for (index, expected) in cases.enumerated() {
            let found = fault(expected.bytes, rawByteCount: expected.rawByteCount, inflater, &output)
            #expect(found == expected.fault, "number \(index)")
        }
    }

    /// Cuts a stream everywhere: with room for all, for less, and for more.
    @Test func aStreamCutAnywhereIsTruncatedOrHasTheWrongLength() throws {
        let stream = try compressed((0..<600).map { UInt8($0 / 3 % 40) })
        let inflater = Inflater()
        var output: [UInt8] = []
        for cut in 1..<stream.count {
            let short = Array(stream[..<cut])
            #expect(fault(short, rawByteCount: 600, inflater, &output) == .compressionTruncated)
            #expect(fault(short, rawByteCount: 700, inflater, &output) == .compressionTruncated)
            let tight = fault(short, rawByteCount: 100, inflater, &output)
            #expect(tight == .compressionTruncated || tight == .compressionLengthMismatch)
        }
    }

    @Test func aBombStaysInsideTheRoomThatItsSegmentDeclared() throws {
        let bomb = try compressed([UInt8](repeating: 0, count: 8_000_000))
        let inflater = Inflater()
        var output: [UInt8] = []
        #expect(fault(bomb, rawByteCount: 20_000, inflater, &output) == .compressionLengthMismatch)
        #expect(output.count == 20_000)
        #expect(output.capacity < 70_000)
    }

    /// Inflates a secret, then streams that end early or produce less: no byte of the secret may come out.
    @Test func nothingOfAnEarlierSegmentIsVisible() throws {
        let secret = [UInt8](repeating: 0x53, count: 5000)
        var codec = SegmentCodec()
        var receiver = PlainReceiver()
        var stream = FrameStream()
        let first = frame(.health, secret, id: 1)
        let poison = WireLimits.magic + segment(try compressed(first), rawByteCount: first.count, isCompressed: true)
        try stream.receive(poison.span.bytes, codec: &codec, for: &receiver)
        #expect(receiver.frames.count == 1)

        let small = frame(.health, [UInt8](repeating: 1, count: 600), id: 2)
        let honest = segment(try compressed(small), rawByteCount: small.count, isCompressed: true)
        try stream.receive(honest.span.bytes, codec: &codec, for: &receiver)
        #expect(receiver.frames.count == 2)
        #expect(receiver.frames[1] == small)

        let short = segment(try compressed(small), rawByteCount: small.count + 1000, isCompressed: true)
        #expect(throws: ConnectionFault.compressionLengthMismatch) {
            try stream.receive(short.span.bytes, codec: &codec, for: &receiver)
        }
        #expect(receiver.frames.count == 2)
    }

    @Test func aFaultyStreamLeavesNothingForTheNext() throws {
        let raw = (0..<2000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let stream = try compressed(raw)
        let inflater = Inflater()
        var output: [UInt8] = []
        for cut in [1, 7, stream.count - 1] {
            #expect(fault(Array(stream[..<cut]), rawByteCount: 2000, inflater, &output) == .compressionTruncated)
            #expect(fault(stream, rawByteCount: 2000, inflater, &output) == nil)
            #expect(Array(output[..<2000]) == raw)
        }
    }
}
