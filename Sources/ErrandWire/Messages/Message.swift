package import ErrandCore

/// A message body: what stands between a frame's (or record's) header and its end.
package protocol Message: Sendable {
    /// The root block of version 1, in bytes.
    static var rootByteCount: Int { get }

    /// Appends root block and variable fields.
    func writeBody(to writer: inout ByteWriter)

    /// Reads the body whole, `reader.finish()` included.
    init(from reader: inout MessageReader) throws(MessageFault)
}

/// The body of a call.
package protocol RequestMessage: Message {
    associatedtype Reply: ReplyMessage
    static var opcode: Opcode { get }
    /// Whether the call changes anything: then it must not be sent twice without knowing (SPEC §10).
    static var isMutation: Bool { get }
}

/// The body of a reply with status 0, as the client reads it.
package protocol ReplyMessage: Sendable {
    static func read(_ body: RawSpan, _ header: FrameHeader) throws(MessageFault) -> Self
}

extension ReplyMessage where Self: Message {
    package static func read(_ body: RawSpan, _ header: FrameHeader) throws(MessageFault) -> Self {
        var reader = try MessageReader(body, header, rootByteCount: Self.rootByteCount)
        return try Self(from: &reader)
    }
}

extension MessageReader {
    @_lifetime(copy body)
    package init(_ body: RawSpan, _ header: FrameHeader, rootByteCount: Int) throws(MessageFault) {
        try self.init(
            body, rootWordCount: header.rootWordCount, hasTail: header.flags.contains(.tail),
            rootByteCount: rootByteCount)
    }
}

extension RequestMessage {
    package init(_ body: RawSpan, _ header: FrameHeader) throws(MessageFault) {
        var reader = try MessageReader(body, header, rootByteCount: Self.rootByteCount)
        try self.init(from: &reader)
    }
}

/// The deadline of a call, which every request's root block begins with (SPEC §6).
package enum CallTimeout {
    /// The first 8 bytes of a request's root block; nothing without a deadline or a whole block.
    package static func read(_ body: RawSpan) -> UInt32? {
        guard body.byteCount >= 8, body.loadLittleEndian(at: 0, as: UInt32.self) & 1 != 0 else { return nil }
        return body.loadLittleEndian(at: 4, as: UInt32.self)
    }

    package static func write(_ milliseconds: UInt32, into writer: inout ByteWriter, bodyStart: Int) {
        writer.withMutableBytes { bytes in
            let presence = bytes.bytes.loadLittleEndian(at: bodyStart, as: UInt32.self)
            bytes.storeLittleEndian(presence | 1, at: bodyStart)
            bytes.storeLittleEndian(milliseconds, at: bodyStart + 4)
        }
    }
}

extension SegmentEncoder {
    /// Appends a call; false if it is larger than the peer takes.
    package mutating func appendCall<Request: RequestMessage>(
        _ request: Request, requestId: UInt64, timeoutMilliseconds: UInt32?
    ) -> Bool {
        beginFrame(Request.opcode.rawValue, rootByteCount: Request.rootByteCount, requestId: requestId)
        request.writeBody(to: &body)
        if let timeoutMilliseconds {
            let bodyStart = openFrameBodyStart
            CallTimeout.write(timeoutMilliseconds, into: &body, bodyStart: bodyStart)
        }
        return endFrame()
    }

    /// Appends CANCEL_CALL (SPEC §7.6).
    package mutating func appendCancelCall(requestId: UInt64) {
        beginFrame(Opcode.cancelCall.rawValue, rootByteCount: CancelCall.rootByteCount, requestId: requestId)
        _ = endFrame()
    }

    /// Appends a control message.
    package mutating func appendControl(
        _ message: some Message, _ opcode: Opcode, status: StatusCode = .ok
    ) {
        beginFrame(opcode.rawValue, status: status, rootByteCount: type(of: message).rootByteCount, requestId: 0)
        message.writeBody(to: &body)
        _ = endFrame()
    }
}
