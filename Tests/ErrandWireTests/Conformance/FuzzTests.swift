import ErrandCore
import ErrandWire
import Testing

/// Vectors with random damage, through every decoder, the segment layer and the states of both sides. A decoder must
/// never trap, never run on and never keep more than it was sent; that it ends is all that is asked. The seed is
/// printed; a finding becomes a vector.
@Suite(.timeLimit(.minutes(2)))
struct FuzzTests {
    private func damaged(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0...3, using: &generator) {
            guard !bytes.isEmpty else { break }
            let offset = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[offset] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            case 2: bytes.removeSubrange(offset...)
            case 3: bytes.remove(at: offset)
            case 4: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: offset)
            default:
                for index in offset..<min(bytes.count, offset + 4) { bytes[index] = 0xFF }
            }
        }
        return bytes
    }

    @Test func noDecoderTrapsOnADamagedMessage() {
        let seed = UInt64.random(in: 1...1_000_000)
        print("fuzz seed of messages: \(seed)")
        var generator = SeededGenerator(seed: seed)
        let vectors = VectorFile.ofKind("messages").flatMap { $0.vectors("valid") + $0.vectors("degenerate") }
        var ended = 0
        for vector in vectors where vector.bytes.count < 3000 {
            for _ in 0..<20 {
                guard var frame = Frame(vector.bytes) else { continue }
                frame.body = damaged(frame.body, &generator)
                frame.header.bodyByteCount = frame.body.count
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    frame.header.rootWordCount = UInt8.random(in: 0...20, using: &generator)
                    frame.header.flags = FrameFlags(rawValue: UInt8.random(in: 0...3, using: &generator))
                    frame.header.status = [0, 0, 5, 200].randomElement(using: &generator) ?? 0
                }
                _ = MessageExaminer(frame).examine()
                ended += 1
            }
        }
        #expect(ended > 1000)
    }

    /// Messages that no vector has; the damage is more than one seed could do to one vector.
    @Test(arguments: UInt64(1)...20)
    func noDecoderTrapsOnADamagedRandomMessage(_ seed: UInt64) throws {
        let seed = seed &* UInt64.random(in: 1...1_000_000)
        print("fuzz seed of random messages: \(seed)")
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        var frames: [[UInt8]] = []
        func add<Request: RequestMessage>(_ request: Request) {
            var writer = ByteWriter()
            request.writeBody(to: &writer)
            frames.append(frame(Request.opcode, writer.bytes, id: 1, words: UInt8(Request.rootByteCount / 8)))
        }
        func add<Reply: Message>(_ reply: Reply, to opcode: Opcode) {
            var writer = ByteWriter()
            reply.writeBody(to: &writer)
            frames.append(frame(opcode, writer.bytes, id: 1, flags: 1, words: UInt8(Reply.rootByteCount / 8)))
        }
        add(try maker.createJob())
        add(try maker.update())
        add(try maker.cancel())
        add(try maker.startNext())
        add(try maker.cancelJob())
        add(try maker.deleteJob())
        add(try maker.updateJob())
        add(maker.listJobs())
        add(try maker.removeTargets())
        add(try maker.deleteExecution())
        add(try maker.getHistory())
        add(try maker.watch())
        add(WatchBegun(revision: maker.long()), to: .watch)
        add(try maker.job(), to: .describeJob)
        add(try maker.jobPage(), to: .listJobs)
        add(try maker.history(), to: .getJobExecutionHistory)
        // What a server sends of a watch has no flag reply.
        func addOfWatch(_ message: some Message, _ opcode: Opcode, status: UInt8 = 0) {
            frames.append(control(message, opcode, status: status, id: 1))
        }
        addOfWatch(try maker.events(), .events)
        addOfWatch(try maker.pending(), .notify)
        addOfWatch(Failure(applied: .no, message: maker.text(50)), .watchEnded, status: 4)
        addOfWatch(WatchCredit(credit: maker.short()), .watchCredit)
        var ended = 0
        for bytes in frames {
            guard let whole = Frame(bytes) else { continue }
            switch MessageExaminer(whole).examine() {
            case .malformed, .fault: Issue.record("is malformed undamaged: \(hex(bytes))")
            case .message, .invalidField: break
            }
            for _ in 0..<40 {
                var frame = whole
                frame.body = damaged(frame.body, &maker.generator)
                frame.header.bodyByteCount = frame.body.count
                _ = MessageExaminer(frame).examine()
                ended += 1
            }
        }
        #expect(ended == 20 * 40)
    }

    @Test func noStateTrapsOnADamagedStream() {
        let seed = UInt64.random(in: 1...1_000_000)
        print("fuzz seed of streams: \(seed)")
        var generator = SeededGenerator(seed: seed)
        var codec = SegmentCodec()
        let starts = [opening { $0.compressions = 1 }, WireLimits.magic + segment(control(Welcome(), .welcome))]
        let messages = VectorFile.ofKind("messages").flatMap { $0.vectors("valid") }.map(\.bytes)
            .filter { $0.count < 1000 }
        let segments = VectorFile.ofKind("segments").flatMap { $0.vectors("degenerate") }.map(\.bytes)
        for _ in 0..<3000 {
            let isClient = Bool.random(using: &generator)
            var later: [UInt8] = []
            for _ in 0..<3 {
                // Half of the damage is inside a segment whose header and checksum are right.
                let payload = damaged(messages.randomElement(using: &generator) ?? [], &generator)
                later += segment(payload, hasChecksum: Bool.random(using: &generator))
                if Bool.random(using: &generator) { later += segments.randomElement(using: &generator) ?? [] }
            }
            if Bool.random(using: &generator) { later = damaged(later, &generator) }
            let bytes = starts[isClient ? 0 : 1] + later
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let parts = [bytes[..<cut], bytes[cut...]]
            if isClient {
                var state = serverState()
                _ = feed(parts, to: &state, codec: &codec)
            } else {
                var state = clientState(inFlight: [7: .health], watches: [7])
                _ = feed(parts, to: &state, codec: &codec)
            }
            #expect(codec.inflated.count <= WireLimits.segmentByteCountMax)
        }
    }

    @Test func noInflaterTrapsOnDamagedStreams() {
        let seed = UInt64.random(in: 1...1_000_000)
        print("fuzz seed of segments: \(seed)")
        var generator = SeededGenerator(seed: seed)
        var codec = SegmentCodec()
        for vector in VectorFile.ofKind("segments").flatMap({ $0.vectors("degenerate") }) {
            let bytes = vector.bytes
            let rawByteCount = Int(number(bytes[4..<8], as: UInt32.self))
            for _ in 0..<60 {
                let payload = damaged(Array(bytes[16...]), &generator)
                guard payload.count < rawByteCount, !payload.isEmpty else { continue }
                let whole = WireLimits.magic + segment(payload, rawByteCount: rawByteCount, isCompressed: true)
                var receiver = PlainReceiver()
                _ = feed([whole[...]], to: &receiver, codec: &codec)
            }
        }
        #expect(codec.inflated.count <= WireLimits.segmentByteCountMax)
    }
}
