/// The side of a connection that frames are handed to.
package protocol FrameReceiver {
    /// What segments have to be like at this moment.
    var agreement: SegmentAgreement { get }
    var inboundSegmentByteCountMax: Int { get }

    /// Asked once for each segment, before its first frame: the calls in it and their bytes (SPEC §6 `CALL-5`).
    mutating func admit(callCount: Int, callByteCount: Int) throws(ConnectionFault)

    /// One frame; `body` is gone when this returns.
    mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow
}

/// What a receiver says to each frame.
package enum FrameFlow: Sendable {
    case goOn
    /// Keep the rest; `FrameStream.resume` hands it out.
    case pause
}

/// Turns the bytes of one direction into frames, however they are cut: magic, segments, frames (SPEC §3–§5).
///
/// A value without I/O or clock. Bytes that make up whole segments are read where they lie; only the
/// incomplete rest is kept, so an idle connection owns no buffer.
package struct FrameStream: Sendable {
    private var hasMagic = false
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
        if pending.isEmpty && !isPaused {
            let consumed = try parse(bytes, &codec, &receiver)
            if consumed < bytes.byteCount { keep(bytes.extracting(droppingFirst: consumed)) }
        } else {
            keep(bytes)
            if !isPaused { try resume(codec: &codec, for: &receiver) }
        }
    }

    /// Goes on after a pause.
    package mutating func resume<Receiver: FrameReceiver>(
        codec: inout SegmentCodec, for receiver: inout Receiver
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
        if consumed == 0 {
            pending = bytes
        } else if consumed < bytes.count {
            pending = Array(bytes[consumed...])
        }
    }

    private mutating func keep(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { pending.append(contentsOf: $0) }
    }

    /// Returns how many bytes whole segments took.
    private mutating func parse<Receiver: FrameReceiver>(
        _ bytes: RawSpan, _ codec: inout SegmentCodec, _ receiver: inout Receiver
    ) throws(ConnectionFault) -> Int {
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
        let frames = codec.inflated.span.bytes
        try Self.checkFrames(frames, &receiver)
        return try hand(out: frames, to: &receiver)
    }

    /// Walks the whole segment before its first frame acts (`SEG-8`).
    private static func checkFrames<Receiver: FrameReceiver>(
        _ frames: RawSpan, _ receiver: inout Receiver
    ) throws(ConnectionFault) {
        var offset = 0
        var callCount = 0
        var callByteCount = 0
        while offset < frames.byteCount {
            guard frames.byteCount - offset >= FrameHeader.byteCount else { throw .frameOverrunsSegment }
            let header = FrameHeader(frames, at: offset)
            guard header.bodyByteCount <= frames.byteCount - offset - FrameHeader.byteCount else {
                throw .frameOverrunsSegment
            }
            guard !header.flags.hasReservedBits else { throw .frameFlagsUnknown }
            if header.opcode >= Opcode.firstCall {
                callCount += 1
                callByteCount += header.frameByteCount
            }
            offset += header.frameByteCount
        }
        try receiver.admit(callCount: callCount, callByteCount: callByteCount)
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
            let flow = try receiver.receive(header, frames.extracting(start..<offset))
            if case .pause = flow {
                isPaused = true
                if offset < frames.byteCount {
                    pausedFrames = frames.extracting(droppingFirst: offset).withUnsafeBytes { Array($0) }
                }
                return false
            }
        }
        return true
    }

    /// Names the mistake as soon as the bytes cannot become the magic (`CON-1`).
    private static func checkMagic(_ bytes: RawSpan) throws(ConnectionFault) {
        let count = min(bytes.byteCount, WireLimits.magic.count)
        for offset in 0..<count
        where bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) != WireLimits.magic[offset] {
            throw nameOfMistake(bytes.extracting(first: count))
        }
    }

    private static func nameOfMistake(_ bytes: RawSpan) -> ConnectionFault {
        bytes.withUnsafeBytes { start in
            if start.starts(with: [0x16, 0x03]) { return .tlsOnPlaintext }
            let methods = ["GET ", "POST", "PUT ", "HEAD", "PRI ", "HTTP"]
            if methods.contains(where: { start.starts(with: $0.utf8) }) { return .httpOnPlaintext }
            return .badMagic
        }
    }
}
