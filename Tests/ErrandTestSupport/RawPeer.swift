package import ErrandCore
package import ErrandWire
internal import Glibc

/// A frame as it came.
package struct RawFrame: Sendable {
    package var header: FrameHeader
    package var body: [UInt8]

    package var opcode: Opcode? { Opcode(rawValue: header.opcode) }
    package var status: StatusCode { StatusCode(rawValue: header.status) ?? .unknown }

    /// The reason of a CONNECTION_ERROR.
    package var connectionFault: ConnectionFault? {
        guard opcode == .connectionError else { return nil }
        return (try? ConnectionErrorMessage.read(body.span.bytes, header)).flatMap {
            ConnectionFault(rawValue: $0.reason)
        }
    }

    package func message<Body: ReplyMessage>(_ type: Body.Type) throws -> Body {
        try Body.read(body.span.bytes, header)
    }

    package func failure() throws -> Failure { try message(Failure.self) }
}

extension ConnectionErrorMessage: ReplyMessage {}
extension Welcome: ReplyMessage {}
extension GoAway: ReplyMessage {}
extension Hello: ReplyMessage {}

/// Why a raw peer read no frame.
package enum RawEnd: Error, Equatable {
    /// Orderly end of the stream.
    case ended
    case reset
    case timedOut
}

/// One end of a blocking TCP connection that writes any bytes it likes.
///
/// `@unchecked Sendable`: each test uses it from one thread at a time.
package final class RawPeer: @unchecked Sendable {
    package let descriptor: Int32
    private var isClosed = false
    private var stream = FrameStream()
    private var codec = SegmentCodec()
    private var collector = FrameCollector()
    private var lastRequestId: UInt64 = 0
    package var encoder = SegmentEncoder(
        agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
    /// How many segments have come.
    package var segmentCount: UInt64 { stream.segmentCount }

    package init(descriptor: Int32) {
        self.descriptor = descriptor
        setTimeout(milliseconds: 20_000)
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    /// Connects to a server on this machine.
    package convenience init(port: UInt16, bufferByteCount: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var byteCount = bufferByteCount {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &byteCount, 4)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &byteCount, 4)
        }
        let result = withLoopback(port: port) { connect(descriptor, $0, $1) }
        self.init(descriptor: descriptor)
        guard result == 0 else { throw RawEnd.reset }
    }

    deinit { close() }

    package func setTimeout(milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        let byteCount = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, byteCount)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, byteCount)
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = Glibc.close(descriptor)
    }

    /// Closes so that the other side sees a reset.
    package func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    package func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Bytes

    /// False when the other side takes no more.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                Glibc.send(descriptor, all.baseAddress.map { $0 + sent }, all.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Whatever has come; empty at the end of the stream.
    package func receive(byteCountMax: Int = 65_536) throws(RawEnd) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: byteCountMax)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0 { throw errno == EAGAIN ? .timedOut : .reset }
        return Array(buffer[..<count])
    }

    // MARK: Frames

    /// Sends what the encoder holds.
    @discardableResult
    package func flush() -> Bool {
        var output: [UInt8] = []
        encoder.seal(into: &output, with: codec.deflater)
        return send(output)
    }

    /// The next frame; throws `RawEnd.ended` when there is none.
    package func next() throws -> RawFrame {
        while collector.frames.isEmpty {
            let bytes = try receive()
            if bytes.isEmpty { throw RawEnd.ended }
            try stream.receive(bytes.span.bytes, codec: &codec, for: &collector)
        }
        return collector.frames.removeFirst()
    }

    /// Greets as a client does and returns what the server said.
    @discardableResult
    package func greet(_ hello: Hello = Hello()) throws -> Welcome {
        sendHello(hello)
        let welcome = try next().message(Welcome.self)
        adopt(welcome)
        return welcome
    }

    package func sendHello(_ hello: Hello = Hello()) {
        encoder.appendMagic()
        encoder.appendControl(hello, .hello)
        flush()
    }

    /// From now on as WELCOME says.
    package func adopt(_ welcome: Welcome) {
        encoder.agreement = SegmentAgreement(compression: welcome.compression == 1, checksums: welcome.checksums == 1)
        encoder.segmentByteCountMax = Int(welcome.segmentByteCountMax)
    }

    /// The id of a frame that the caller makes by itself.
    package func nextRequestId() -> UInt64 {
        lastRequestId += 1
        return lastRequestId
    }

    /// Queues a call for `flush`; returns its id.
    @discardableResult
    package func append(_ request: some RequestMessage, timeoutMilliseconds: UInt32? = nil) -> UInt64 {
        lastRequestId += 1
        _ = encoder.appendCall(request, requestId: lastRequestId, timeoutMilliseconds: timeoutMilliseconds)
        return lastRequestId
    }

    /// Queues a frame of any opcode with any body.
    @discardableResult
    package func appendRaw(
        _ opcode: UInt8, body: [UInt8] = [], rootByteCount: Int = 0, requestId: UInt64? = nil, flags: FrameFlags = [],
        status: StatusCode = .ok
    ) -> UInt64 {
        if requestId == nil { lastRequestId += 1 }
        let id = requestId ?? lastRequestId
        encoder.beginFrame(opcode, flags: flags, status: status, rootByteCount: rootByteCount, requestId: id)
        encoder.body.append(body)
        _ = encoder.endFrame()
        return id
    }

    /// Sends one call and waits for its reply.
    package func call(_ request: some RequestMessage) throws -> RawFrame {
        let id = append(request)
        flush()
        while true {
            let frame = try next()
            if frame.header.requestId == id, frame.header.opcode >= Opcode.firstCall { return frame }
            if frame.opcode == .connectionError { throw RawEnd.reset }
        }
    }

    /// Reads to the end and returns the reason of CONNECTION_ERROR, if one came.
    package func readFault() throws -> ConnectionFault? {
        var fault: ConnectionFault?
        do {
            while true {
                let frame = try next()
                if let found = frame.connectionFault { fault = found }
            }
        } catch RawEnd.ended {
            return fault
        }
    }
}

/// Keeps the frames of one direction, whatever they are.
private struct FrameCollector: FrameReceiver {
    var agreement = SegmentAgreement.beforeWelcome
    var inboundSegmentByteCountMax = WireLimits.segmentByteCountMax
    var frames: [RawFrame] = []

    mutating func admit(frameCount: Int, callCount: Int, callByteCount: Int) throws(ConnectionFault) {}

    mutating func receive(_ header: FrameHeader, _ body: RawSpan) throws(ConnectionFault) -> FrameFlow {
        let frame = RawFrame(header: header, body: body.withUnsafeBytes { Array($0) })
        // CONNECTION_ERROR travels with a checksum, also where none was agreed; the reader takes both.
        agreement = SegmentAgreement(compression: true, checksums: false)
        frames.append(frame)
        return .goOn
    }
}
