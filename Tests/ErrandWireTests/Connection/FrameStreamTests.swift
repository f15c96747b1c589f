import ErrandWire
import Testing

@Suite(.timeLimit(.minutes(2)))
struct FrameStreamTests {
    /// Three segments of four frames, the second one compressed.
    private let frames: [[UInt8]] = (1...12).map {
        frame(.health, [UInt8](repeating: UInt8($0), count: 100), id: UInt64($0))
    }

    private func bytes() throws -> [UInt8] {
        let raw = frames[4..<8].flatMap { $0 }
        var packed: [UInt8] = []
        let deflater = Deflater()
        try #require(deflater.appendSmaller(raw.span.bytes, to: &packed))
        return WireLimits.magic + segment(frames[0..<4].flatMap { $0 })
            + segment(packed, rawByteCount: raw.count, isCompressed: true) + segment(frames[8..<12].flatMap { $0 })
    }

    @Test func aPauseAtAnyFrameKeepsTheRestInOrder() throws {
        let bytes = try bytes()
        var codec = SegmentCodec()
        for pause in 1...12 {
            var receiver = PlainReceiver()
            receiver.pauses = [pause]
            var stream = FrameStream()
            try stream.receive(bytes.span.bytes, codec: &codec, for: &receiver)
            #expect(stream.isPaused)
            #expect(!stream.isInsideSegment)
            #expect(receiver.frames == Array(frames[..<pause]))
            try stream.resume(codec: &codec, for: &receiver)
            #expect(!stream.isPaused)
            #expect(receiver.frames == frames)
            #expect(stream.pendingByteCount == 0)
            #expect(stream.segmentCount == 3)
        }
    }

    @Test func aPauseAtEveryFrameStillGivesEachOnce() throws {
        let bytes = try bytes()
        var codec = SegmentCodec()
        for cut in stride(from: 1, to: bytes.count, by: 13) {
            var receiver = PlainReceiver()
            receiver.pauses = Set(1...12)
            var stream = FrameStream()
            for part in [bytes[..<cut], bytes[cut...]] {
                let part = Array(part)
                try stream.receive(part.span.bytes, codec: &codec, for: &receiver)
            }
            var turns = 0
            while stream.isPaused, turns < 20 {
                try stream.resume(codec: &codec, for: &receiver)
                turns += 1
            }
            #expect(receiver.frames == frames, "cut at \(cut)")
        }
    }

    @Test func whatComesDuringAPauseWaits() throws {
        let bytes = try bytes()
        let later = segment(healthCall(99))
        var codec = SegmentCodec()
        var receiver = PlainReceiver()
        receiver.pauses = [4]
        var stream = FrameStream()
        try stream.receive(bytes.span.bytes, codec: &codec, for: &receiver)
        try stream.receive(later.span.bytes, codec: &codec, for: &receiver)
        #expect(receiver.frames.count == 4)
        try stream.resume(codec: &codec, for: &receiver)
        #expect(receiver.frames == frames + [healthCall(99)])
    }

    @Test func aSegmentIsCheckedAsAWholeBeforeItsFirstFrame() throws {
        var broken = healthCall(2)
        broken[5] = 4
        let bytes = WireLimits.magic + segment(healthCall(1) + broken)
        var codec = SegmentCodec()
        var receiver = PlainReceiver()
        #expect(feed([bytes[...]], to: &receiver, codec: &codec) == .frameFlagsUnknown)
        #expect(receiver.frames.isEmpty)
    }

    @Test func aHugeLengthIsRefusedBeforeItsPayloadComes() {
        var header = little(UInt32.max) + little(UInt32.max) + little(UInt16(0))
        header += little(UInt16(truncatingIfNeeded: slowCRC32(header))) + little(UInt32(0))
        let bytes = WireLimits.magic + header
        var codec = SegmentCodec()
        var receiver = PlainReceiver()
        #expect(feed([bytes[...]], to: &receiver, codec: &codec) == .segmentTooLarge)
    }

    @Test(arguments: ["G", "GE", "GET", "P", "PR", "H", "HT", "HTT"])
    func whatMayStillBecomeAnotherProtocolWaits(_ start: String) throws {
        var codec = SegmentCodec()
        var receiver = PlainReceiver()
        var stream = FrameStream()
        let bytes = Array(start.utf8)
        try stream.receive(bytes.span.bytes, codec: &codec, for: &receiver)
        #expect(stream.isInsideSegment)
        let rest = Array("~".utf8)
        #expect(throws: ConnectionFault.badMagic) {
            try stream.receive(rest.span.bytes, codec: &codec, for: &receiver)
        }
    }

    @Test func anEndDropsWhatElseHasCome() throws {
        let bytes = opening() + segment(control(ConnectionErrorMessage(reason: 1, message: ""), .connectionError))
        let late = segment(healthCall(1))
        var codec = SegmentCodec()
        var state = serverState()
        var stream = FrameStream()
        let all = bytes + late
        try stream.receive(all.span.bytes, codec: &codec, for: &state)
        try stream.receive(late.span.bytes, codec: &codec, for: &state)
        #expect(state.calls.ids.isEmpty)
        #expect(stream.pendingByteCount == 0)
        #expect(!stream.isInsideSegment)
    }
}
