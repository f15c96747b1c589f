import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct ServerConnectionTests {
    @Test func anUnknownOpcodeIsUnimplementedAndTheConnectionLives() async throws {
        let server = try TestServer()
        let peer = try server.client()
        let unknown = peer.appendRaw(0x7F, body: [1, 2, 3])
        let health = peer.append(HealthRequest())
        peer.flush()
        let first = try peer.next()
        #expect(first.header.requestId == unknown && first.status == .unimplemented)
        #expect(try first.failure().applied == .no)
        let second = try peer.next()
        #expect(second.header.requestId == health && second.status == .ok)
        await server.stop()
    }

    @Test func fiveHundredCallsInOneWriteComeBackInFewSegments() async throws {
        let server = try TestServer()
        let peer = try server.client()
        try peer.createJob("many", ["a"])
        let before = peer.segmentCount
        var ids: Set<UInt64> = []
        for _ in 0..<500 {
            ids.insert(peer.append(DescribeJobExecutionRequest(jobId: job("many"), thingName: thing("a"))))
        }
        peer.flush()
        for _ in 0..<500 {
            let frame = try peer.next()
            #expect(frame.status == .ok)
            let wasNew = ids.remove(frame.header.requestId) != nil
            #expect(wasNew)
        }
        #expect(ids.isEmpty)
        #expect(peer.segmentCount - before < 50)
        await server.stop()
    }

    @Test func aSegmentAboveTheWindowRunsNoneOfItsCalls() async throws {
        let server = try TestServer { $0.callsInFlightMax = 8 }
        let peer = try server.client()
        for index in 0..<9 {
            peer.append(
                CreateJobRequest(jobId: job("w\(index)"), document: "{}", targetCount: 1, targets: [thing("a")]))
        }
        peer.flush()
        #expect(try peer.readFault() == .windowExceeded)
        let fresh = try server.client()
        for index in 0..<9 {
            #expect(try fresh.call(DescribeJobRequest(jobId: job("w\(index)"))).status == .notFound)
        }
        await server.stop()
    }

    @Test func creditReturnsWithEveryReply() async throws {
        let server = try TestServer { $0.callsInFlightMax = 8 }
        let peer = try server.client()
        for _ in 0..<8 { peer.append(HealthRequest()) }
        peer.flush()
        for _ in 0..<100 {
            #expect(try peer.next().status == .ok)
            peer.append(HealthRequest())
            peer.flush()
        }
        await server.stop()
    }

    @Test func callsBeforeARepeatedIdKeepTheirEffect() async throws {
        let server = try TestServer()
        let peer = try server.client()
        for (id, name) in [(5, "five"), (6, "six"), (6, "again")] as [(UInt64, String)] {
            let request = CreateJobRequest(jobId: job(name), document: "{}", targetCount: 1, targets: [thing("a")])
            peer.encoder.beginFrame(
                Opcode.createJob.rawValue, rootByteCount: CreateJobRequest.rootByteCount, requestId: id)
            request.writeBody(to: &peer.encoder.body)
            _ = peer.encoder.endFrame()
        }
        peer.flush()
        #expect(try peer.next().header.requestId == 5)
        #expect(try peer.next().header.requestId == 6)
        #expect(try peer.readFault() == .requestIdNotRising)
        let fresh = try server.client()
        #expect(try fresh.call(DescribeJobRequest(jobId: job("six"))).status == .ok)
        #expect(try fresh.call(DescribeJobRequest(jobId: job("again"))).status == .notFound)
        await server.stop()
    }

    @Test func aFloodOfPingsIsAFault() async throws {
        let server = try TestServer()
        let peer = try server.client()
        for number in 0..<UInt64(WireLimits.controlBudget + 1) {
            peer.encoder.appendControl(Ping(opaque: number), .ping)
        }
        peer.flush()
        #expect(try peer.readFault() == .controlFlood)
        try server.expectServing()
        await server.stop()
    }

    @Test func aPingIsAnsweredWithItsOwnBytes() async throws {
        let server = try TestServer()
        let peer = try server.client()
        peer.encoder.appendControl(Ping(opaque: 42), .ping)
        peer.flush()
        let pong = try peer.next()
        #expect(pong.opcode == .pong)
        #expect(pong.body == [42, 0, 0, 0, 0, 0, 0, 0])
        await server.stop()
    }

    /// Deadlines count from when the server received the segment: one of 0 ms has always passed.
    @Test func aDeadlineThatHasPassedIsRefusedAndCancelCallIsHarmless() async throws {
        let server = try TestServer()
        let peer = try server.client()
        let request = CreateJobRequest(jobId: job("late"), document: "{}", targetCount: 1, targets: [thing("a")])
        let late = peer.append(request, timeoutMilliseconds: 0)
        let health = peer.append(HealthRequest(), timeoutMilliseconds: 0)
        peer.encoder.appendCancelCall(requestId: late)
        peer.encoder.appendCancelCall(requestId: 999)
        let last = peer.append(DescribeJobRequest(jobId: job("late")), timeoutMilliseconds: 1000)
        peer.flush()
        for id in [late, health] {
            let frame = try peer.next()
            #expect(frame.header.requestId == id)
            #expect(frame.status == .deadlineExceeded)
            #expect(try frame.failure().applied == .no)
        }
        let frame = try peer.next()
        #expect(frame.header.requestId == last && frame.status == .notFound)
        await server.stop()
    }

    /// An orderly close: the server answers what it has, flushes and closes (CON-6).
    @Test func aHalfCloseIsAnsweredWithWhatIsOwed() async throws {
        let server = try TestServer()
        let peer = try server.client()
        for _ in 0..<100 { peer.append(HealthRequest()) }
        peer.flush()
        peer.halfClose()
        for _ in 0..<100 { #expect(try peer.next().status == .ok) }
        #expect(throws: RawEnd.ended) { try peer.next() }
        peer.close()
        #expect(await eventually { server.server.connectionCount == 0 })
        await server.stop()
    }

    @Test func aHalfCloseInsideASegmentDiscardsIt() async throws {
        let server = try TestServer()
        let peer = try server.client()
        peer.append(CreateJobRequest(jobId: job("half"), document: "{}", targetCount: 1, targets: [thing("a")]))
        var bytes: [UInt8] = []
        peer.encoder.seal(into: &bytes, with: Deflater())
        peer.send(Array(bytes.dropLast()))
        peer.halfClose()
        #expect(throws: RawEnd.ended) { try peer.next() }
        #expect(try server.client().call(DescribeJobRequest(jobId: job("half"))).status == .notFound)
        await server.stop()
    }

    @Test func connectionsAboveTheLimitAreToldSo() async throws {
        let server = try TestServer { $0.connectionCountMax = 3 }
        let peers = try (0..<3).map { _ in try server.client() }
        let extra = try RawPeer(port: server.port)
        #expect(try extra.readFault() == .connectionLimit)
        extra.close()
        for peer in peers { #expect(try peer.call(HealthRequest()).status == .ok) }
        peers[0].close()
        #expect(await eventually { server.server.connectionCount == 2 })
        try server.expectServing()
        await server.stop()
    }

    @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
    func whatWasNotOfferedIsNotChosen(zlib: Bool, checksums: Bool) async throws {
        let server = try TestServer()
        let peer = try RawPeer(port: server.port)
        var hello = Hello()
        hello.compressions = zlib ? 1 : 0
        hello.checksums = checksums ? 1 : 0
        let welcome = try peer.greet(hello)
        #expect(welcome.version == 1)
        #expect(welcome.compression == (zlib ? 1 : 0))
        #expect(welcome.checksums == (checksums ? 1 : 0))
        try peer.createJob("options", (0..<300).map { "thing-\($0)" })
        let page = try peer.call(ListJobExecutionsForJobRequest(jobId: job("options"))).message(JobExecutionPage.self)
        #expect(page.executions.count == 250)
        await server.stop()
    }

    @Test func aServerThatRequiresChecksumsOrForbidsZlibSaysSo() async throws {
        let server = try TestServer {
            $0.requiresChecksums = true
            $0.allowsCompression = false
        }
        let peer = try RawPeer(port: server.port)
        var hello = Hello()
        hello.compressions = 1
        let welcome = try peer.greet(hello)
        #expect(welcome.checksums == 1 && welcome.compression == 0)
        #expect(try peer.call(HealthRequest()).status == .ok)
        peer.encoder.agreement.checksums = false
        peer.append(HealthRequest())
        peer.flush()
        #expect(try peer.readFault() == .segmentChecksumMismatch)
        await server.stop()
    }
}
