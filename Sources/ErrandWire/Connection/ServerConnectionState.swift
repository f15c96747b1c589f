internal import ErrandCore

/// Takes the calls of one connection.
package protocol CallSink {
    /// A call; `body` is gone when this returns. `.pause` holds back the calls behind it.
    mutating func call(_ header: FrameHeader, _ body: RawSpan) -> FrameFlow

    /// The client no longer waits for that call (SPEC §6 `CALL-7`).
    mutating func cancelCall(_ requestId: UInt64)

    /// The client takes that many more events of the watch (SPEC §7.10).
    mutating func watchCredit(_ credit: UInt32, requestId: UInt64)

    /// The client wants no more of the watch (SPEC §7.11).
    mutating func endWatch(_ requestId: UInt64)
}

/// What a server says in WELCOME and insists on.
package struct ServerGreeting: Sendable {
    package var welcome: Welcome
    package var allowsCompression: Bool
    /// Whether every segment has a checksum even if the client does not ask.
    package var requiresChecksums: Bool

    package init(welcome: Welcome, allowsCompression: Bool, requiresChecksums: Bool) {
        self.welcome = welcome
        self.allowsCompression = allowsCompression
        self.requiresChecksums = requiresChecksums
    }
}

/// The server's side of one connection: frames in; calls to `calls`, replies through `encoder` (SPEC §3).
///
/// A value without I/O or clock; times are milliseconds of any steady clock, given by the owner.
package struct ServerConnectionState<Calls: CallSink>: FrameReceiver {
    package enum Phase: Sendable, Equatable {
        case opening
        case serving
        case draining
        case closed
    }

    package var calls: Calls
    package var encoder = SegmentEncoder(
        agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
    package private(set) var phase = Phase.opening
    package private(set) var agreement = SegmentAgreement.beforeWelcome
    package private(set) var inboundSegmentByteCountMax = WireLimits.segmentByteCountMaxBeforeWelcome
    package private(set) var hello: Hello?
    package private(set) var lastRequestId: UInt64 = 0
    /// What the client said when it ended the connection.
    package private(set) var clientError: ConnectionErrorMessage?
    private var window: CallWindow
    private var controlBudget: ControlBudget
    private let greeting: ServerGreeting
    private var pongDue: UInt64?
    private var hasSentMagic = false

    package init(greeting: ServerGreeting, calls: Calls, at nowMilliseconds: Int64) {
        self.greeting = greeting
        self.calls = calls
        window = CallWindow(
            callCountMax: Int(greeting.welcome.callsInFlightMax), byteCountMax: Int(greeting.welcome.bytesInFlightMax))
        controlBudget = ControlBudget(at: nowMilliseconds)
    }

    package var callsInFlight: Int { window.callCount }

    /// The owner says what time it is before it hands in bytes.
    package mutating func advanceClock(to nowMilliseconds: Int64) { controlBudget.refill(at: nowMilliseconds) }

    package mutating func admit(frameCount: Int, callCount: Int, callByteCount: Int) throws(ConnectionFault) {
        // HELLO stands alone (`CON-2`).
        guard phase != .opening || frameCount == 1 else { throw .frameUnexpected }
        try window.admit(callCount: callCount, byteCount: callByteCount)
    }

    package mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow {
        guard !header.flags.contains(.reply) else { throw .frameUnexpected }
        switch phase {
        case .opening:
            guard header.opcode == Opcode.hello.rawValue, header.status == 0 else { throw .frameUnexpected }
            try greet(header, body)
            return .goOn
        case .serving, .draining:
            break
        case .closed:
            return .end
        }
        guard header.status == 0 || header.opcode == Opcode.connectionError.rawValue else { throw .frameUnexpected }
        guard header.opcode >= Opcode.firstCall else { return try control(header, body) }
        guard header.requestId > lastRequestId else { throw .requestIdNotRising }
        lastRequestId = header.requestId
        window.began(byteCount: header.frameByteCount)
        return calls.call(header, body)
    }

    /// Calls have been answered, whose frames had so many bytes together: their credit returns.
    package mutating func answered(callCount: Int, frameByteCount: Int) {
        window.ended(callCount: callCount, byteCount: frameByteCount)
        controlBudget.giveBack(callCount)
    }

    /// Hands the encoder out for many replies; `giveBack` has to follow before anything else is done with this value.
    package mutating func takeEncoder() -> SegmentEncoder {
        var taken = SegmentEncoder(agreement: agreement, segmentByteCountMax: encoder.segmentByteCountMax)
        swap(&taken, &encoder)
        return taken
    }

    package mutating func giveBack(_ taken: inout SegmentEncoder) { swap(&taken, &encoder) }

    /// A message of a watch has been sent (SPEC §7.4 `CTL-1`).
    package mutating func watchSent() { controlBudget.giveBack() }

    /// Writes CONNECTION_ERROR behind all that waits; nothing more is read (SPEC §3 `CON-5`).
    package mutating func fail(_ fault: ConnectionFault, message: String? = nil) {
        guard phase != .closed else { return }
        sendMagicOnce()
        sendPongIfDue()
        encoder.agreement = .beforeWelcome
        encoder.appendControl(
            ConnectionErrorMessage(reason: fault.rawValue, message: message ?? fault.advice), .connectionError,
            status: fault.status)
        phase = .closed
    }

    /// Tells the client to go elsewhere (SPEC §7.5). False if it has not been greeted, so there is nobody to tell.
    package mutating func goAway(graceMilliseconds: UInt32, message: String) -> Bool {
        guard phase == .serving else { return false }
        encoder.appendControl(
            GoAway(
                lastRequestId: lastRequestId, graceMilliseconds: graceMilliseconds, retryAfterMilliseconds: 0,
                message: message),
            .goAway, status: .unavailable)
        phase = .draining
        return true
    }

    package mutating func ping(opaque: UInt64) {
        guard phase == .serving || phase == .draining else { return }
        encoder.appendControl(Ping(opaque: opaque), .ping)
    }

    /// Moves all that waits into `output`.
    package mutating func seal(into output: inout [UInt8], with codec: inout SegmentCodec) {
        sendPongIfDue()
        encoder.seal(into: &output, with: codec.deflater)
    }

    package var wantsToSend: Bool { !encoder.isEmpty || pongDue != nil }

    private mutating func sendMagicOnce() {
        guard !hasSentMagic else { return }
        hasSentMagic = true
        encoder.appendMagic()
    }

    /// Answers the last PING; the ones before it are answered with it (SPEC §7.4).
    private mutating func sendPongIfDue() {
        guard let pongDue else { return }
        encoder.appendControl(Ping(opaque: pongDue), .pong)
        self.pongDue = nil
    }

    private mutating func greet(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) {
        let hello: Hello = try decodeControl(header, body)
        guard hello.segmentByteCountMax >= UInt32(WireLimits.segmentByteCountMaxFloor) else { throw .controlMalformed }
        guard hello.versionMin <= WireLimits.version, WireLimits.version <= hello.versionMax else {
            throw .unsupportedVersion
        }
        guard hello.features & 0xFFFF_FFFF == 0 else { throw .featureUnknown }
        guard hello.credentialKind == 0 else { throw .credentialRefused }
        let agreed = SegmentAgreement(
            compression: greeting.allowsCompression && hello.compressions & 1 != 0,
            checksums: greeting.requiresChecksums || hello.checksums == 1)
        var welcome = greeting.welcome
        welcome.compression = agreed.compression ? 1 : 0
        welcome.checksums = agreed.checksums ? 1 : 0
        sendMagicOnce()
        encoder.appendControl(welcome, .welcome)
        // What follows WELCOME, in both directions, is as agreed (`CON-2`, `CON-3`).
        encoder.endSegment()
        encoder.agreement = agreed
        agreement = agreed
        inboundSegmentByteCountMax = Int(greeting.welcome.segmentByteCountMax)
        encoder.segmentByteCountMax = min(
            Int(clamping: hello.segmentByteCountMax), Int(greeting.welcome.segmentByteCountMax))
        self.hello = hello
        phase = .serving
    }

    private mutating func control(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow {
        switch Opcode(rawValue: header.opcode) {
        case .ping:
            try controlBudget.spend()
            let ping: Ping = try decodeControl(header, body)
            pongDue = ping.opaque
        case .pong:
            let _: Ping = try decodeControl(header, body)
        case .cancelCall:
            try controlBudget.spend()
            let _: CancelCall = try decodeControl(header, body)
            calls.cancelCall(header.requestId)
        case .watchCredit:
            try controlBudget.spend()
            let credit: WatchCredit = try decodeControl(header, body)
            calls.watchCredit(credit.credit, requestId: header.requestId)
        case .endWatch:
            try controlBudget.spend()
            let _: EndWatch = try decodeControl(header, body)
            calls.endWatch(header.requestId)
        case .connectionError:
            clientError = try decodeControl(header, body)
            phase = .closed
            return .end
        default:
            throw .frameUnexpected
        }
        return .goOn
    }
}

/// Decodes a control message; a malformed one ends the connection (SPEC §5 `FRM-4`).
package func decodeControl<Body: Message>(
    _ header: FrameHeader, _ body: RawSpan
) throws(ConnectionFault) -> Body {
    let namesACall = Body.self == CancelCall.self || Body.self == WatchCredit.self || Body.self == EndWatch.self
    guard header.requestId == 0 || namesACall else { throw .controlMalformed }
    do throws(MessageFault) {
        var reader = try MessageReader(body, header, rootByteCount: Body.rootByteCount)
        return try Body(from: &reader)
    } catch {
        throw .controlMalformed
    }
}
