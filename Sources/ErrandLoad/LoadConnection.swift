internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire

/// One connection of the load generator, on the client's lowest layer: state machine and encoder, no tasks, so that a
/// run measures the server.
///
/// `@unchecked Sendable`: all state is touched only on the connection's loop.
final class LoadConnection: ConnectionHandler, @unchecked Sendable {
    let connection: Connection
    private let load: Load
    private var stream = FrameStream()
    private var state: ClientConnectionState<LoadCalls>

    init(_ connection: Connection, load: Load, seed: UInt64) throws {
        self.connection = connection
        self.load = load
        state = ClientConnectionState(hello: load.hello, sink: LoadCalls(load: load, seed: seed))
    }

    func start() throws {
        try connection.start(self)
        connection.sendsAfterRead = true
        state.sink.encoder.appendMagic()
        state.sink.encoder.appendControl(load.hello, .hello)
        connection.setDirty()
    }

    /// Begins the calls; on the loop.
    func begin() {
        state.sink.begin()
        connection.setDirty()
    }

    var hasRoom: Bool { state.sink.hasRoom }

    /// Begins one call of an open loop; on the loop.
    func begin(dueAt moment: Int64) {
        state.sink.sendNext(at: moment)
        connection.setDirty()
    }

    func stop() { state.sink.stop() }

    func received(_ bytes: RawSpan, codec: inout SegmentCodec) {
        state.sink.now = SystemCall.steadyNanoseconds
        do throws(ConnectionFault) {
            try stream.receive(bytes, codec: &codec, for: &state)
        } catch {
            load.failed(.protocolError, "the server broke the protocol: \(error)")
        }
        state.sink.record()
        connection.setDirty()
        if load.isWaitingForRoom { load.sendDue() }
    }

    func inputEnded() { load.failed(.unavailable, "the server closed a connection") }

    func seal(into output: inout [UInt8], codec: inout SegmentCodec) {
        state.sink.encoder.seal(into: &output, with: codec.deflater)
    }

    func wrote(waitingByteCount: Int, progressed: Bool) {}
    func tick(at nowMilliseconds: Int64) {}
    func ended(_ cause: ConnectionEnd) {}
}
