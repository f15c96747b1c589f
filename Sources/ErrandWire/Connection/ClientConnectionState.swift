package import ErrandCore

/// Takes what a server sends.
package protocol ReplySink {
    mutating func welcomed(_ welcome: Welcome)

    /// A reply; `body` is gone when this returns. False if no call with that id and opcode is in flight (`CALL-8`).
    mutating func reply(_ header: FrameHeader, _ body: RawSpan) -> Bool

    /// What watches bring (SPEC §7.7–§7.9). False if there is no such watch (`WAT-3`).
    mutating func events(_ requestId: UInt64, _ events: EventsMessage) -> Bool
    mutating func notify(_ requestId: UInt64, _ pending: PendingJobExecutions) -> Bool
    mutating func notifyNext(_ requestId: UInt64, _ execution: JobExecution?) -> Bool
    mutating func watchEnded(_ requestId: UInt64, status: StatusCode, _ failure: Failure) -> Bool

    mutating func goAway(_ goAway: GoAway, status: StatusCode)
    mutating func ping(opaque: UInt64)
    mutating func pong(opaque: UInt64)

    /// The server closes the connection and says why.
    mutating func connectionError(_ error: ConnectionErrorMessage, status: StatusCode)
}

/// The client's side of one connection: frames in, events to `sink` (SPEC §3). The calls go out through the
/// owner's `SegmentEncoder`, which many tasks share.
///
/// A value without I/O or clock. The server is not trusted: every fault of SPEC §11 ends the connection.
package struct ClientConnectionState<Sink: ReplySink>: FrameReceiver {
    package enum Phase: Sendable, Equatable {
        case opening
        case serving
        case closed
    }

    package var sink: Sink
    package private(set) var phase = Phase.opening
    package private(set) var agreement = SegmentAgreement.beforeWelcome
    package private(set) var inboundSegmentByteCountMax = WireLimits.segmentByteCountMaxBeforeWelcome
    private let hello: Hello

    package init(hello: Hello, sink: Sink) {
        self.hello = hello
        self.sink = sink
    }

    package mutating func admit(frameCount: Int, callCount: Int, callByteCount: Int) throws(ConnectionFault) {
        // The first frame of a server stands alone (`CON-2`).
        guard phase != .opening || frameCount == 1 else { throw .frameUnexpected }
    }

    package mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow {
        if header.opcode == Opcode.connectionError.rawValue, phase != .closed {
            guard !header.flags.contains(.reply) else { throw .frameUnexpected }
            let error: ConnectionErrorMessage = try decodeControl(header, body)
            phase = .closed
            sink.connectionError(error, status: StatusCode(rawValue: header.status) ?? .unknown)
            return .end
        }
        switch phase {
        case .opening:
            guard header.opcode == Opcode.welcome.rawValue, !header.flags.contains(.reply), header.status == 0 else {
                throw .frameUnexpected
            }
            try welcome(header, body)
        case .serving:
            try serve(header, body)
        case .closed:
            throw .frameUnexpected
        }
        return .goOn
    }

    private mutating func welcome(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) {
        let welcome: Welcome = try decodeControl(header, body)
        guard welcome.segmentByteCountMax >= UInt32(WireLimits.segmentByteCountMaxFloor),
            welcome.callsInFlightMax >= 1, welcome.batchItemCountMax >= 1
        else { throw .controlMalformed }
        guard hello.versionMin <= welcome.version, welcome.version <= hello.versionMax else {
            throw .unsupportedVersion
        }
        guard welcome.features & 0xFFFF_FFFF & ~hello.features == 0 else { throw .featureUnknown }
        guard welcome.compression == 0 || hello.compressions & 1 != 0 else { throw .compressionNotAgreed }
        agreement = SegmentAgreement(compression: welcome.compression == 1, checksums: welcome.checksums == 1)
        inboundSegmentByteCountMax = Int(clamping: hello.segmentByteCountMax)
        phase = .serving
        sink.welcomed(welcome)
    }

    private mutating func serve(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) {
        guard header.opcode < Opcode.firstCall else {
            guard header.flags.contains(.reply) else { throw .frameUnexpected }
            guard sink.reply(header, body) else { throw .unrequestedReply }
            return
        }
        guard !header.flags.contains(.reply),
            header.status == 0 || header.opcode == Opcode.goAway.rawValue
                || header.opcode == Opcode.watchEnded.rawValue
        else { throw .frameUnexpected }
        switch Opcode(rawValue: header.opcode) {
        case .ping:
            let ping: Ping = try decodeControl(header, body)
            sink.ping(opaque: ping.opaque)
        case .pong:
            let pong: Ping = try decodeControl(header, body)
            sink.pong(opaque: pong.opaque)
        case .goAway:
            sink.goAway(try decodeControl(header, body), status: StatusCode(rawValue: header.status) ?? .unknown)
        case .events, .notify, .notifyNext, .watchEnded: try watch(header, body)
        default:
            throw .frameUnexpected
        }
    }

    private mutating func watch(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) {
        let id = header.requestId
        let isKnown: Bool
        do throws(MessageFault) {
            switch Opcode(rawValue: header.opcode) {
            case .events: isKnown = sink.events(id, try EventsMessage.read(body, header))
            case .notify: isKnown = sink.notify(id, try PendingJobExecutions.read(body, header))
            case .notifyNext: isKnown = sink.notifyNext(id, try PossibleJobExecution.read(body, header).execution)
            default:
                let failure = try Failure.read(body, header)
                guard header.status != 0, failure.executionState == nil, failure.applied == .no else {
                    throw .malformed("no end of a watch")
                }
                isKnown = sink.watchEnded(id, status: StatusCode(rawValue: header.status) ?? .unknown, failure)
            }
        } catch {
            throw .controlMalformed
        }
        guard isKnown else { throw .unrequestedReply }
    }
}
