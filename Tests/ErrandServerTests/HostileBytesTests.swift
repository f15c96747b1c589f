import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

/// Plays every faulty stream and segment of the vectors against a real server over a real socket: the server names the
/// fault and closes, a bystander on the same loops notices nothing, and a fresh client is served.
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct HostileBytesTests {
    /// The server's window in bytes is not a setting, and it agrees only to what HELLO asks for.
    private func isPlayable(_ vector: Vector) -> Bool {
        vector.agreed.bytesInFlightMax == WireLimits.bytesInFlightMax && !vector.agreed.zlib && !vector.agreed.checksums
    }

    /// Sends a stream; what follows HELLO waits for WELCOME, as CON-3 wants. Returns how the server ended it.
    private func play(_ vector: Vector, _ peer: RawPeer, _ send: ([UInt8]) -> Void) -> ConnectionFault? {
        let helloEnd = vector.endOfFirstSegment
        send(Array(vector.bytes[..<helloEnd]))
        guard helloEnd < vector.bytes.count else { return try? peer.readFault() }
        guard let first = try? peer.next() else { return nil }
        if let fault = first.connectionFault { return fault }
        send(Array(vector.bytes[helloEnd...]))
        return try? peer.readFault()
    }

    @Test func everyFaultyStreamIsNamedAndClosed() async throws {
        let server = try TestServer()
        let narrow = try TestServer { $0.callsInFlightMax = 4 }
        let bystander = try server.client()
        var count = 0
        for vector in try VectorFile.decodeErrors("streams") where vector.direction == "client" {
            guard isPlayable(vector) else { continue }
            let port = vector.agreed.callsInFlightMax == 4 ? narrow.port : server.port
            let peer = try RawPeer(port: port)
            #expect(play(vector, peer) { peer.send($0) } == vector.fault, "\(vector)")
            #expect(try bystander.call(HealthRequest()).status == .ok)
            count += 1
        }
        #expect(count > 50)
        try server.expectServing()
        await server.stop()
        await narrow.stop()
    }

    @Test func everyFaultySegmentIsNamedAndClosed() async throws {
        let server = try TestServer()
        let bystander = try server.client()
        var count = 0
        for vector in try VectorFile.decodeErrors("segments")
        where vector.agreed.segmentByteCountMax == WireLimits.segmentByteCountMax {
            let peer = try server.client { hello in
                hello.compressions = vector.agreed.zlib ? 1 : 0
                hello.checksums = vector.agreed.checksums ? 1 : 0
            }
            peer.send(vector.bytes)
            #expect(try peer.readFault() == vector.fault, "\(vector)")
            #expect(try bystander.call(HealthRequest()).status == .ok)
            count += 1
        }
        #expect(count > 50)
        try server.expectServing()
        await server.stop()
    }

    /// The same faults byte by byte: the server names them as early as it can, so the rest may meet a closed socket.
    @Test func faultsThatDripAreNamedToo() async throws {
        let server = try TestServer()
        for vector in try VectorFile.decodeErrors("streams")
        where vector.direction == "client" && vector.bytes.count < 200 && isPlayable(vector)
            && vector.agreed.callsInFlightMax == WireLimits.callsInFlightMax
        {
            let peer = try RawPeer(port: server.port)
            let fault = play(vector, peer) { bytes in
                for byte in bytes where !peer.send([byte]) { break }
            }
            #expect(fault == vector.fault, "\(vector)")
        }
        try server.expectServing()
        await server.stop()
    }

    @Test func malformedCallsAreRefusedAndTheConnectionLives() async throws {
        let server = try TestServer()
        let peer = try server.client()
        var count = 0
        for file in ["jobs", "executions", "lists", "batch"] {
            for vector in try VectorFile.decodeErrors(file) where vector.direction == "client" {
                let header = FrameHeader(vector.bytes.span.bytes, at: 0)
                peer.encoder.beginFrame(
                    header.opcode, flags: header.flags, rootByteCount: Int(header.rootWordCount) * 8,
                    requestId: peer.nextRequestId())
                peer.encoder.body.append(Array(vector.bytes[FrameHeader.byteCount...]))
                _ = peer.encoder.endFrame()
                peer.flush()
                let frame = try peer.next()
                #expect(frame.status == .invalidRequest, "\(vector)")
                let failure = try frame.failure()
                #expect(failure.applied == .no && !failure.message.isEmpty, "\(vector)")
                count += 1
            }
        }
        #expect(count > 50)
        #expect(try peer.call(HealthRequest()).status == .ok)
        await server.stop()
    }

    @Test func malformedControlMessagesCloseTheConnection() async throws {
        let server = try TestServer()
        var count = 0
        for vector in try VectorFile.decodeErrors("control") where vector.direction == "client" {
            let peer = try server.client()
            let payload = vector.bytes
            var header = [UInt8](repeating: 0, count: SegmentHeader.byteCount)
            var span = header.mutableSpan
            var raw = span.mutableBytes
            SegmentHeader(
                payloadByteCount: payload.count, rawByteCount: payload.count, isCompressed: false, checksum: nil
            ).write(into: &raw, at: 0)
            peer.send(header + payload)
            #expect((try? peer.readFault()) == vector.fault, "\(vector)")
            count += 1
        }
        #expect(count > 5)
        try server.expectServing()
        await server.stop()
    }
}
