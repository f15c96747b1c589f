/// The side of a connection that frames are handed to.
package protocol FrameReceiver {
    /// What segments have to be like at this moment.
    var agreement: SegmentAgreement { get }
    var inboundSegmentByteCountMax: Int { get }

    /// Asked once for each segment, before its first frame: its frames, the calls among them and their bytes
    /// (SPEC §3 `CON-2`, §6 `CALL-5`).
    mutating func admit(frameCount: Int, callCount: Int, callByteCount: Int) throws(ConnectionFault)

    /// One frame; `body` is gone when this returns.
    mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow
}

/// What a receiver says to each frame.
package enum FrameFlow: Sendable {
    case goOn
    /// Keep the rest; `FrameStream.resume` hands it out.
    case pause
    /// The connection is over: what else has come, or comes later, is dropped (`CON-5`).
    case end
}

/// Turns the bytes of one direction into frames, however they are cut: magic, segments, frames (SPEC §3–§5).
///
/// A value without I/O or clock. Bytes that make up whole segments are read where they lie; only the
/// incomplete rest is kept, so an idle connection owns no buffer.
package struct FrameStream: Sendable {
    private var hasMagic = false
    /// After a fault or the peer's CONNECTION_ERROR no byte counts any more.
    private var hasEnded = false
    /// The start of a segment whose rest has not come, or all that came while paused.
    private var pending: [UInt8] = []
    /// The frames of a segment that a pause has cut off.
    private var pausedFrames: [UInt8] = []

    package init() {}

    /// Whether a segment (or the magic) has begun and not ended: then its clock runs (`CON-7`).
    package var isInsideSegment: Bool { !pending.isEmpty && !isPaused }

    /// The receiver has said pause; what comes is kept until `resume`.
    package private(set) var isPaused = false

    /// Whole segments received so far.
    package private(set) var segmentCount: UInt64 = 0

    /// Their bytes as they would have been without compression.
    package private(set) var rawByteCount: UInt64 = 0

    /// Bytes that are kept for later.
    package var pendingByteCount: Int { pending.count + pausedFrames.count }

    /// Takes what was read and hands out its frames in order.
    package mutating func receive<Receiver: FrameReceiver>(
        _ bytes: RawSpan, codec: inout SegmentCodec, for receiver: inout Receiver
    ) throws(ConnectionFault) {
        guard pending.isEmpty && !isPaused else {
            keep(bytes)
            if !isPaused { try resume(codec: &codec, for: &receiver) }
            return
        }
        do throws(ConnectionFault) {
            let consumed = try parse(bytes, &codec, &receiver)
            if consumed < bytes.byteCount { keep(bytes.extracting(droppingFirst: consumed)) }
        } catch {
            end()
            throw error
        }
    }

    /// Goes on after a pause.
    package mutating func resume<Receiver: FrameReceiver>(
        codec: inout SegmentCodec, for receiver: inout Receiver
    ) throws(ConnectionFault) {
        do throws(ConnectionFault) {
            try handOutKept(&codec, &receiver)
        } catch {
            end()
            throw error
        }
    }

    private mutating func handOutKept<Receiver: FrameReceiver>(
        _ codec: inout SegmentCodec, _ receiver: inout Receiver
    ) throws(ConnectionFault) {
        isPaused = false
        if !pausedFrames.isEmpty {
            let frames = pausedFrames
            pausedFrames = []
            guard try hand(out: frames.span.bytes, to: &receiver) else { return }
        }
        guard !pending.isEmpty else { return }
        let bytes = pending
        pending = []
        let consumed = try parse(bytes.span.bytes, &codec, &receiver)
        guard !hasEnded else { return }
        if consumed == 0 {
            pending = bytes
        } else if consumed < bytes.count {
            pending = Array(bytes[consumed...])
        }
    }

    private mutating func end() {
        hasEnded = true
        isPaused = false
        pending = []
        pausedFrames = []
    }

    private mutating func keep(_ bytes: RawSpan) {
        guard !hasEnded else { return }
        bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
    }

    /// Returns how many bytes whole segments took.
    private mutating func parse<Receiver: FrameReceiver>(
        _ bytes: RawSpan, _ codec: inout SegmentCodec, _ receiver: inout Receiver
    ) throws(ConnectionFault) -> Int {
        guard !hasEnded else { return bytes.byteCount }
        var offset = 0
        if !hasMagic {
            try Self.checkMagic(bytes)
            guard bytes.byteCount >= WireLimits.magic.count else { return 0 }
            hasMagic = true
            offset = WireLimits.magic.count
        }
        while bytes.byteCount - offset >= SegmentHeader.byteCount {
            let header = try SegmentHeader(
                bytes.extracting(offset..<(offset + SegmentHeader.byteCount)),
                segmentByteCountMax: receiver.inboundSegmentByteCountMax, agreement: receiver.agreement)
            let start = offset + SegmentHeader.byteCount
            guard bytes.byteCount - start >= header.payloadByteCount else { break }
            let payload = bytes.extracting(start..<(start + header.payloadByteCount))
            offset = start + header.payloadByteCount
            segmentCount &+= 1
            rawByteCount &+= UInt64(SegmentHeader.byteCount + header.rawByteCount)
            guard try open(payload, header, &codec, &receiver) else { break }
        }
        return offset
    }

    /// Returns false if the handler paused.
    private mutating func open<Receiver: FrameReceiver>(
        _ payload: RawSpan, _ header: SegmentHeader, _ codec: inout SegmentCodec, _ receiver: inout Receiver
    ) throws(ConnectionFault) -> Bool {
        if let checksum = header.checksum, checksum != CRC32.checksum(payload) { throw .segmentChecksumMismatch }
        guard header.isCompressed else {
            try Self.checkFrames(payload, &receiver)
            return try hand(out: payload, to: &receiver)
        }
        try codec.inflater.inflate(payload, rawByteCount: header.rawByteCount, into: &codec.inflated)
        let frames = codec.inflated.span.bytes.extracting(first: header.rawByteCount)
        try Self.checkFrames(frames, &receiver)
        return try hand(out: frames, to: &receiver)
    }

    /// Walks the whole segment before its first frame acts (`SEG-8`).
    private static func checkFrames<Receiver: FrameReceiver>(
        _ frames: RawSpan, _ receiver: inout Receiver
    ) throws(ConnectionFault) {
        var offset = 0
        var frameCount = 0
        var callCount = 0
        var callByteCount = 0
        while offset < frames.byteCount {
            guard frames.byteCount - offset >= FrameHeader.byteCount else { throw .frameOverrunsSegment }
            let header = FrameHeader(frames, at: offset)
            guard header.bodyByteCount <= frames.byteCount - offset - FrameHeader.byteCount else {
                throw .frameOverrunsSegment
            }
            guard !header.flags.hasReservedBits else { throw .frameFlagsUnknown }
            frameCount += 1
            if header.opcode >= Opcode.firstCall {
                callCount += 1
                callByteCount += header.frameByteCount
            }
            offset += header.frameByteCount
        }
        try receiver.admit(frameCount: frameCount, callCount: callCount, callByteCount: callByteCount)
    }

    /// Returns false if the handler paused; then the rest of `frames` is kept.
    private mutating func hand<Receiver: FrameReceiver>(
        out frames: RawSpan, to receiver: inout Receiver
    ) throws(ConnectionFault) -> Bool {
        var offset = 0
        while offset < frames.byteCount {
            let header = FrameHeader(frames, at: offset)
            let start = offset + FrameHeader.byteCount
            offset = start + header.bodyByteCount
            switch try receiver.receive(header, frames.extracting(start..<offset)) {
            case .goOn: continue
            case .pause:
                isPaused = true
                if offset < frames.byteCount {
                    pausedFrames = frames.extracting(droppingFirst: offset).withUnsafeBytes { Array($0) }
                }
            case .end:
                end()
            }
            return false
        }
        return true
    }

    /// How other protocols begin, and what to call them (`CON-1`).
    private static let foreignBeginnings: [(bytes: [UInt8], fault: ConnectionFault)] =
        [([0x16, 0x03], .tlsOnPlaintext)]
        + ["GET ", "POST", "PUT ", "HEAD", "PRI ", "HTTP"].map { (Array($0.utf8), .httpOnPlaintext) }

    /// Names the mistake as soon as the bytes are one of those beginnings, or can become neither one nor the magic.
    private static func checkMagic(_ bytes: RawSpan) throws(ConnectionFault) {
        let seen = bytes.extracting(first: min(bytes.byteCount, WireLimits.magic.count)).withUnsafeBytes { Array($0) }
        if WireLimits.magic.starts(with: seen) { return }
        for (beginning, fault) in foreignBeginnings where seen.starts(with: beginning) { throw fault }
        guard foreignBeginnings.contains(where: { $0.bytes.starts(with: seen) }) else { throw .badMagic }
    }
}
