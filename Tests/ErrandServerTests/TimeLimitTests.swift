import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

/// The limits of SPEC §3, with a clock that the test moves: nobody waits for seconds to pass.
@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct TimeLimitTests {
    @Test func aClientThatSaysNothingIsClosedInTime() async throws {
        let server = try TestServer()
        let silent = try RawPeer(port: server.port)
        #expect(await eventually { server.server.connectionCount == 1 })
        server.passing(milliseconds: WireLimits.handshakeTimeoutMilliseconds - 1)
        silent.setTimeout(milliseconds: 600)
        #expect(throws: RawEnd.timedOut) { try silent.receive() }
        silent.setTimeout(milliseconds: 20_000)
        server.passing(milliseconds: 1)
        #expect(try silent.readFault() == .handshakeTimeout)
        try server.expectServing()
        await server.stop()
    }

    @Test func aHandshakeThatDripsGetsNoMoreTime() async throws {
        let server = try TestServer()
        let slow = try RawPeer(port: server.port)
        slow.encoder.appendMagic()
        slow.encoder.appendControl(Hello(), .hello)
        var bytes: [UInt8] = []
        slow.encoder.seal(into: &bytes, with: Deflater())
        #expect(await eventually { server.server.connectionCount == 1 })
        for byte in bytes.prefix(50) {
            if !slow.send([byte]) { break }
            server.passing(milliseconds: 100)
        }
        #expect(try slow.readFault() == .handshakeTimeout)
        try server.expectServing()
        await server.stop()
    }

    @Test func aSegmentThatDripsIsClosedInTime() async throws {
        let server = try TestServer { $0.loopCount = 1 }
        let bystander = try server.client()
        let slow = try server.client()
        slow.append(HealthRequest())
        var bytes: [UInt8] = []
        slow.encoder.seal(into: &bytes, with: Deflater())
        slow.send([bytes[0]])
        // One loop serves both, so it has seen that byte when it has answered the second of these.
        for _ in 0..<2 { #expect(try bystander.call(HealthRequest()).status == .ok) }
        for byte in bytes[1...30] {
            if !slow.send([byte]) { break }
            server.passing(milliseconds: 1000)
        }
        #expect(try slow.readFault() == .segmentTimeout)
        try server.expectServing()
        await server.stop()
    }

    @Test func anIdleClientIsPingedAndThenClosed() async throws {
        let server = try TestServer()
        let idle = try server.client()
        server.passing(milliseconds: WireLimits.idleTimeoutMilliseconds)
        let ping = try idle.next()
        #expect(ping.opcode == .ping)
        idle.appendRaw(Opcode.pong.rawValue, body: ping.body, rootByteCount: 8, requestId: 0)
        idle.flush()
        #expect(try idle.call(HealthRequest()).status == .ok)
        server.passing(milliseconds: WireLimits.idleTimeoutMilliseconds)
        #expect(try idle.next().opcode == .ping)
        server.passing(milliseconds: WireLimits.pingTimeoutMilliseconds)
        #expect(try idle.readFault() == .idleTimeout)
        try server.expectServing()
        await server.stop()
    }

    @Test func aReaderThatStopsIsClosedInTime() async throws {
        let server = try TestServer()
        let lazy = try RawPeer(port: server.port, bufferByteCount: 65_536)
        try lazy.greet()
        try lazy.createJob("lazy", (0..<250).map { "thing-with-a-rather-long-name-\($0)" })
        let asking = Task(executorPreference: ThreadExecutor.shared) { () -> Bool in
            lazy.setTimeout(milliseconds: 500)
            for _ in 0..<4000 {
                for _ in 0..<500 { lazy.append(ListJobExecutionsForJobRequest(jobId: job("lazy"))) }
                if !lazy.flush() { return true }
            }
            return false
        }
        #expect(await asking.value)
        // The server may still be writing what it can, and each byte taken begins the time anew.
        let isGone = await eventually {
            server.passing(milliseconds: WireLimits.writeStallTimeoutMilliseconds)
            return server.server.connectionCount == 0
        }
        #expect(isGone)
        try server.expectServing()
        await server.stop()
    }
}
