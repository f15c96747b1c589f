import ErrandCore
import ErrandWire
import Testing

@Suite(.timeLimit(.minutes(2)))
struct SegmentEncoderTests {
    private static let plain = SegmentAgreement(compression: false, checksums: false)
    private static let compressed = SegmentAgreement(compression: true, checksums: false)

    private func encoder(_ agreement: SegmentAgreement = plain, byteCountMax: Int = 262_144) -> SegmentEncoder {
        SegmentEncoder(agreement: agreement, segmentByteCountMax: byteCountMax)
    }

    /// Appends a frame with `count` bytes of body, all of them `byte`.
    private func append(
        _ count: Int, of byte: UInt8 = 0x61, id: UInt64 = 1, to encoder: inout SegmentEncoder
    ) -> Bool {
        encoder.beginFrame(0x7F, rootByteCount: 0, requestId: id)
        encoder.body.append([UInt8](repeating: byte, count: count))
        return encoder.endFrame()
    }

    private func sealed(_ encoder: inout SegmentEncoder, after before: [UInt8] = []) throws -> [SplitSegment] {
        var output = before
        encoder.seal(into: &output, with: Deflater())
        return try #require(SplitSegment.all(in: Array(output.dropFirst(before.count))))
    }

    @Test func framesOfOneTurnShareASegment() throws {
        var encoder = encoder()
        for id in 1...40 { #expect(append(100, id: UInt64(id), to: &encoder)) }
        let segments = try sealed(&encoder)
        #expect(segments.count == 1)
        #expect(segments[0].frames.count == 40)
        #expect(encoder.isEmpty)
    }

    @Test func aSegmentEndsWhereItReachesItsTarget() throws {
        var encoder = encoder()
        for id in 1...300 { #expect(append(1000, id: UInt64(id), to: &encoder)) }
        let segments = try sealed(&encoder)
        #expect(segments.count == 5)
        #expect(segments.dropLast().allSatisfy { (65_536..<65_536 + 1100).contains($0.rawByteCount + 16) })
        #expect(segments.flatMap(\.frames).map { number($0[8..<16], as: UInt64.self) } == Array(1...300))
    }

    @Test(arguments: [SegmentEncoderTests.plain, SegmentEncoderTests.compressed])
    func noFrameSpansSegmentsAndNoSegmentIsLargerThanTheReceiverTakes(_ agreement: SegmentAgreement) throws {
        var generator = SeededGenerator(seed: 7)
        var encoder = encoder(agreement, byteCountMax: 5000)
        var sizes: [Int] = []
        for _ in 0..<200 {
            let count = Int.random(in: 0...4984, using: &generator)
            sizes.append(count + 16)
            #expect(append(count, of: UInt8.random(in: 0...255, using: &generator), to: &encoder))
        }
        let segments = try sealed(&encoder)
        #expect(segments.allSatisfy { $0.rawByteCount <= 5000 })
        #expect(segments.flatMap(\.frames).map(\.count) == sizes)
    }

    @Test func aFrameLargerThanTheReceiverTakesLeavesNoTrace() throws {
        var encoder = encoder(byteCountMax: 1000)
        #expect(!append(985, to: &encoder))
        #expect(encoder.isEmpty)
        #expect(encoder.byteCount == 0)
        #expect(encoder.lastFrameByteCount == 1001)
        #expect(append(984, id: 1, to: &encoder))
        #expect(!append(985, to: &encoder))
        #expect(append(10, id: 2, to: &encoder))
        #expect(!append(985, to: &encoder))
        #expect(try sealed(&encoder).map { $0.frames.map(\.count) } == [[1000], [26]])
    }

    @Test func theSendersOwnLimitDropsAFrameToo() throws {
        var encoder = encoder()
        encoder.frameByteCountMax = 100
        #expect(!append(85, to: &encoder))
        #expect(append(84, to: &encoder))
        #expect(try sealed(&encoder).flatMap(\.frames).count == 1)
    }

    @Test func onlyWhatGetsSmallerIsCompressed() throws {
        var generator = SeededGenerator(seed: 3)
        for (count, isRandom, isCompressed) in [
            (495, false, false), (496, false, true), (4000, false, true), (4000, true, false),
        ] {
            var encoder = encoder(Self.compressed)
            encoder.beginFrame(0x7F, rootByteCount: 0, requestId: 1)
            encoder.body.append((0..<count).map { _ in isRandom ? UInt8.random(in: 0...255, using: &generator) : 9 })
            let isKept = encoder.endFrame()
            #expect(isKept)
            let segments = try sealed(&encoder)
            #expect(segments.map(\.isCompressed) == [isCompressed], "\(count) bytes")
            #expect(segments.map(\.rawByteCount) == [count + 16])
        }
    }

    @Test func compressionIsTheSendersChoice() throws {
        var encoder = encoder(Self.compressed)
        encoder.compresses = false
        #expect(append(4000, to: &encoder))
        #expect(try sealed(&encoder).map(\.isCompressed) == [false])
    }

    @Test(arguments: [true, false], [true, false])
    func checksumsAreOnExactlyWhereAgreed(_ checksums: Bool, _ compression: Bool) throws {
        var encoder = encoder(SegmentAgreement(compression: compression, checksums: checksums))
        #expect(append(2000, to: &encoder))
        let segments = try sealed(&encoder)
        #expect(segments.map(\.hasChecksum) == [checksums])
        #expect(segments.map(\.isCompressed) == [compression])
    }

    @Test func whatFollowsWelcomeGoesOutAsAgreedBehindIt() throws {
        var encoder = encoder(.beforeWelcome)
        encoder.appendMagic()
        encoder.appendControl(Welcome(), .welcome)
        encoder.endSegment()
        encoder.agreement = Self.compressed
        #expect(append(4000, to: &encoder))
        encoder.agreement = .beforeWelcome
        encoder.appendControl(ConnectionErrorMessage(reason: 1, message: ""), .connectionError)
        var output: [UInt8] = []
        encoder.seal(into: &output, with: Deflater())
        #expect(output.starts(with: WireLimits.magic))
        let segments = try #require(SplitSegment.all(in: output, droppingMagic: true))
        #expect(segments.map(\.hasChecksum) == [true, false, true])
        #expect(segments.map(\.isCompressed) == [false, true, false])
        #expect(segments.map(\.frames.count) == [1, 1, 1])
    }

    @Test func whatIsSealedGoesBehindWhatWaits() throws {
        var encoder = encoder()
        #expect(append(10, to: &encoder))
        #expect(try sealed(&encoder, after: [1, 2, 3]).count == 1)
    }

    @Test func anEncoderIsUsedAgainAfterSealing() throws {
        var encoder = encoder(Self.compressed)
        for _ in 0..<3 {
            #expect(append(3000, to: &encoder))
            #expect(try sealed(&encoder).map(\.frames.count) == [1])
            #expect(try sealed(&encoder).isEmpty)
        }
        #expect(encoder.rawByteCount == 3 * (16 + 16 + 3000))
    }

    @Test func theHeaderCheckIsWhatAnotherCRCSays() throws {
        var encoder = encoder(SegmentAgreement(compression: false, checksums: true))
        #expect(append(50, to: &encoder))
        var output: [UInt8] = []
        encoder.seal(into: &output, with: Deflater())
        #expect(number(output[10..<12], as: UInt16.self) == UInt16(truncatingIfNeeded: slowCRC32(output[0..<10])))
        #expect(number(output[12..<16], as: UInt32.self) == slowCRC32(output[16...]))
    }
}
