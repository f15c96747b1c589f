internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire

/// One connection of a channel, from its handshake to its end.
///
/// `@unchecked Sendable`: all state is touched only on the loop of `connection`; what tasks share is in the channel.
final class ClientConnection: ConnectionHandler, @unchecked Sendable {
    let connection: Connection
    private let channel: Channel
    private var stream = FrameStream()
    private var state: ClientConnectionState<ChannelSink>
    private var clock: ConnectionClock
    private var seenSegmentCount: UInt64 = 0

    /// WELCOME must have come by then: the time to connect bounds the whole way there.
    private let greetingDeadline: Int64

    init(_ connection: Connection, channel: Channel, hello: Hello, greetedBy deadline: Int64) {
        self.connection = connection
        self.channel = channel
        greetingDeadline = deadline
        state = ClientConnectionState(hello: hello, sink: ChannelSink(channel: channel))
        clock = ConnectionClock(
            at: SystemCall.steadyMilliseconds,
            idleTimeoutMilliseconds: channel.configuration.keepaliveInterval.milliseconds,
            pingTimeoutMilliseconds: channel.configuration.keepaliveTimeout.milliseconds)
    }

    /// What has gone over it so far, without what it sent before compression, which the channel's encoder knows.
    var byteCounts: ByteCounts {
        ByteCounts(
            sent: connection.sentByteCount, received: connection.receivedByteCount,
            rawReceived: stream.rawByteCount)
    }

    func received(_ bytes: RawSpan, codec: inout SegmentCodec) {
        do throws(ConnectionFault) {
            try stream.receive(bytes, codec: &codec, for: &state)
        } catch {
            // The server has broken the protocol: nothing it sent later counts.
            return leave(ErrandError(.protocolError, "the server broke the protocol: \(error)"))
        }
        if state.phase == .closed { return leave(ErrandError(.unavailable, "the server closed the connection")) }
        channel.readEnded()
        clock.heard(
            at: SystemCall.steadyMilliseconds, isInsideSegment: stream.isInsideSegment,
            completedSegment: stream.segmentCount != seenSegmentCount)
        seenSegmentCount = stream.segmentCount
    }

    /// No reply can come any more, so nobody is kept waiting until the last bytes have gone.
    func inputEnded() {
        leave(ErrandError(.unavailable, "the server closed the connection"))
    }

    private func leave(_ error: ErrandError) {
        channel.lost(self, error)
        connection.abort()
    }

    func seal(into output: inout [UInt8], codec: inout SegmentCodec) {
        channel.seal(into: &output, codec: &codec, for: self)
    }

    func wrote(waitingByteCount: Int, progressed: Bool) {
        clock.wrote(at: SystemCall.steadyMilliseconds, progressed: progressed, hasRest: waitingByteCount > 0)
    }

    func tick(at nowMilliseconds: Int64) {
        guard connection.isOpen else { return }
        if state.phase == .opening, nowMilliseconds >= greetingDeadline {
            return leave(
                ErrandError(
                    .unavailable,
                    "cannot reach \(channel.host):\(channel.port): no answer in \(channel.configuration.connectTimeout)"
                ))
        }
        switch clock.check(at: nowMilliseconds, isGreeted: state.phase != .opening) {
        case .fine: break
        case .ping: channel.ping(opaque: UInt64(bitPattern: nowMilliseconds))
        case .failed(let fault):
            leave(ErrandError(.unavailable, "the server does not answer: \(fault)"))
        }
    }

    func ended(_ cause: ConnectionEnd) {
        let reason =
            switch cause {
            case .closed, .lost(nil): "the server closed the connection"
            case .lost(let error?): "the connection broke: \(error.reason)"
            }
        channel.lost(self, ErrandError(.unavailable, reason))
    }
}

/// Hands a connection's events to its channel.
struct ChannelSink: ReplySink {
    let channel: Channel

    func welcomed(_ welcome: Welcome) { channel.welcomed(welcome) }
    func reply(_ header: FrameHeader, _ body: RawSpan) -> Bool { channel.reply(header, body) }

    func events(_ requestId: UInt64, _ events: EventsMessage) -> Bool {
        channel.watched(requestId, events.events.map { .event($0) } + [.bookmark(events.revision)])
    }

    func notify(_ requestId: UInt64, _ pending: PendingJobExecutions) -> Bool {
        channel.watched(requestId, [.pending(pending)])
    }

    func notifyNext(_ requestId: UInt64, _ execution: JobExecution?) -> Bool {
        channel.watched(requestId, [.next(execution)])
    }

    func watchEnded(_ requestId: UInt64, status: StatusCode, _ failure: Failure) -> Bool {
        channel.watched(requestId, [.ended(ErrandError(status, failure))], isLast: true)
    }

    func goAway(_ goAway: GoAway, status: StatusCode) { channel.goAway(goAway) }
    func ping(opaque: UInt64) { channel.pong(opaque: opaque) }
    func pong(opaque: UInt64) {}

    func connectionError(_ error: ConnectionErrorMessage, status: StatusCode) {
        let name = ConnectionFault(rawValue: error.reason)?.description ?? "reason \(error.reason)"
        channel.refused(ErrandError(status, "the server closed the connection: \(name): \(error.message)"))
    }
}
