import ErrandCore
import ErrandWire

/// Takes every frame as it comes.
struct PlainReceiver: FrameReceiver {
    var agreement: SegmentAgreement
    var inboundSegmentByteCountMax = WireLimits.segmentByteCountMax
    var frames: [[UInt8]] = []
    /// Says pause after each frame whose number is in here.
    var pauses: Set<Int> = []
    var admittedFrameCounts: [Int] = []

    init(agreement: SegmentAgreement = SegmentAgreement(compression: true, checksums: false)) {
        self.agreement = agreement
    }

    mutating func admit(frameCount: Int, callCount: Int, callByteCount: Int) throws(ConnectionFault) {
        admittedFrameCounts.append(frameCount)
    }

    mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow {
        frames.append(whole(header, body))
        return pauses.contains(frames.count) ? .pause : .goOn
    }
}

func whole(_ header: FrameHeader, _ body: RawSpan) -> [UInt8] {
    var writer = ByteWriter()
    writer.appendZeros(FrameHeader.byteCount)
    writer.withMutableBytes { header.write(into: &$0, at: 0) }
    writer.append(body)
    return writer.bytes
}

/// Notes each frame before the state behind it gets it.
struct Tap<State: FrameReceiver>: FrameReceiver {
    var state: State
    var frames: [[UInt8]] = []

    init(_ state: State) { self.state = state }

    var agreement: SegmentAgreement { state.agreement }
    var inboundSegmentByteCountMax: Int { state.inboundSegmentByteCountMax }

    mutating func admit(frameCount: Int, callCount: Int, callByteCount: Int) throws(ConnectionFault) {
        try state.admit(frameCount: frameCount, callCount: callCount, callByteCount: callByteCount)
    }

    mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow {
        frames.append(whole(header, body))
        return try state.receive(header, body)
    }
}

struct RecordingCalls: CallSink {
    var ids: [UInt64] = []
    var cancelledIds: [UInt64] = []
    var credits: [WatchCredit] = []
    var creditedIds: [UInt64] = []
    var endedIds: [UInt64] = []
    var pauses = false

    mutating func call(_ header: FrameHeader, _ body: RawSpan) -> FrameFlow {
        ids.append(header.requestId)
        return pauses ? .pause : .goOn
    }

    mutating func cancelCall(_ requestId: UInt64) { cancelledIds.append(requestId) }

    mutating func watchCredit(_ credit: UInt32, requestId: UInt64) {
        credits.append(WatchCredit(credit: credit))
        creditedIds.append(requestId)
    }

    mutating func endWatch(_ requestId: UInt64) { endedIds.append(requestId) }
}

struct WatchSighting: Equatable {
    var requestId: UInt64
    var opcode: Opcode
}

struct RecordingReplies: ReplySink {
    var inFlight: [UInt64: UInt8] = [:]
    /// Begun and not yet ended.
    var watches: Set<UInt64> = []
    /// What came of watches, of each the watch and the opcode.
    var ofWatches: [WatchSighting] = []
    var welcomes: [Welcome] = []
    var repliedIds: [UInt64] = []
    var goAways: [GoAway] = []
    var pings: [UInt64] = []
    var pongs: [UInt64] = []
    var errors: [ConnectionErrorMessage] = []
    var statuses: [StatusCode] = []

    mutating func welcomed(_ welcome: Welcome) { welcomes.append(welcome) }

    mutating func reply(_ header: FrameHeader, _ body: RawSpan) -> Bool {
        guard inFlight[header.requestId] == header.opcode else { return false }
        inFlight[header.requestId] = nil
        repliedIds.append(header.requestId)
        if header.opcode == Opcode.watch.rawValue, header.status == 0 { watches.insert(header.requestId) }
        return true
    }

    mutating func events(_ requestId: UInt64, _ events: EventsMessage) -> Bool { saw(.events, requestId) }
    mutating func notify(_ requestId: UInt64, _ pending: PendingJobExecutions) -> Bool { saw(.notify, requestId) }
    mutating func notifyNext(_ requestId: UInt64, _ execution: JobExecution?) -> Bool { saw(.notifyNext, requestId) }

    mutating func watchEnded(_ requestId: UInt64, status: StatusCode, _ failure: Failure) -> Bool {
        guard saw(.watchEnded, requestId) else { return false }
        watches.remove(requestId)
        statuses.append(status)
        return true
    }

    private mutating func saw(_ opcode: Opcode, _ requestId: UInt64) -> Bool {
        guard watches.contains(requestId) else { return false }
        ofWatches.append(WatchSighting(requestId: requestId, opcode: opcode))
        return true
    }

    mutating func goAway(_ goAway: GoAway, status: StatusCode) {
        goAways.append(goAway)
        statuses.append(status)
    }

    mutating func ping(opaque: UInt64) { pings.append(opaque) }
    mutating func pong(opaque: UInt64) { pongs.append(opaque) }

    mutating func connectionError(_ error: ConnectionErrorMessage, status: StatusCode) {
        errors.append(error)
        statuses.append(status)
    }
}

typealias TestServer = ServerConnectionState<RecordingCalls>
typealias TestClient = ClientConnectionState<RecordingReplies>

func serverState(
    compression: Bool = true, checksums: Bool = false, _ change: (inout Welcome) -> Void = { _ in }
) -> TestServer {
    var welcome = Welcome()
    welcome.serverName = "errand"
    change(&welcome)
    return TestServer(
        greeting: ServerGreeting(welcome: welcome, allowsCompression: compression, requiresChecksums: checksums),
        calls: RecordingCalls(), at: 0)
}

func clientState(
    compression: Bool = true, checksums: Bool = false, segmentByteCountMax: Int = WireLimits.segmentByteCountMax,
    inFlight: [UInt64: Opcode] = [:], watches: Set<UInt64> = []
) -> TestClient {
    var hello = Hello()
    hello.compressions = compression ? 1 : 0
    hello.checksums = checksums ? 1 : 0
    hello.segmentByteCountMax = UInt32(segmentByteCountMax)
    return TestClient(hello: hello, sink: RecordingReplies(inFlight: inFlight.mapValues(\.rawValue), watches: watches))
}

/// Hands `parts` to `receiver` one after the other; the fault that ended it.
func feed<Receiver: FrameReceiver>(
    _ parts: [ArraySlice<UInt8>], to receiver: inout Receiver, codec: inout SegmentCodec
) -> ConnectionFault? {
    var stream = FrameStream()
    for part in parts {
        do throws(ConnectionFault) {
            try stream.receive(part.span.bytes, codec: &codec, for: &receiver)
        } catch {
            return error
        }
    }
    return nil
}

/// The whole; byte by byte; and in two parts at every point, of long ones at 700 points.
func waysToCut(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
    let single = bytes.indices.map { bytes[$0...$0] }
    let far = stride(from: 600, to: bytes.count, by: max(1, (bytes.count - 600) / 100))
    let points = Array(1..<max(1, min(bytes.count, 600))) + Array(far)
    return [[bytes[...]], single] + points.filter { $0 < bytes.count }.map { [bytes[..<$0], bytes[$0...]] }
}

/// A connection's first bytes: magic and HELLO.
func opening(_ change: (inout Hello) -> Void = { _ in }) -> [UInt8] {
    var hello = Hello()
    hello.clientName = "test"
    change(&hello)
    return WireLimits.magic + segment(control(hello, .hello))
}

/// A control message as one frame, by the message's own writer.
func control(_ message: some Message, _ opcode: Opcode, status: UInt8 = 0, id: UInt64 = 0) -> [UInt8] {
    var writer = ByteWriter()
    message.writeBody(to: &writer)
    let words = UInt8(type(of: message).rootByteCount / 8)
    return frame(opcode, writer.bytes, id: id, status: status, words: words)
}

func healthCall(_ id: UInt64) -> [UInt8] { frame(.health, [UInt8](repeating: 0, count: 8), id: id, words: 1) }

func healthReply(_ id: UInt64) -> [UInt8] {
    frame(.health, [1, 0, 0, 0, 0, 0, 0, 0], id: id, flags: 1, words: 1)
}
