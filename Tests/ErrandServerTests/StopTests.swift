import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct StopTests {
    @Test func stopSaysGoAwayAnswersWhatItHasAndReturns() async throws {
        let server = try TestServer()
        let port = server.port
        let peers = try (0..<4).map { _ in try server.client() }
        for peer in peers {
            for _ in 0..<50 { peer.append(HealthRequest()) }
            peer.flush()
            // All have been received when the last is answered.
            for _ in 0..<50 { #expect(try peer.next().status == .ok) }
        }
        async let stopped: Void = server.server.stop()
        for peer in peers {
            let frame = try peer.next()
            #expect(frame.opcode == .goAway)
            #expect(frame.status == .unavailable)
            #expect(try frame.message(GoAway.self).lastRequestId == 50)
            #expect(throws: RawEnd.ended) { try peer.next() }
            peer.close()
        }
        await stopped
        #expect(throws: RawEnd.reset) { try RawPeer(port: port) }
        #expect(await eventually { ProcessFacts.openSocketCount(port: port) == 0 })
    }

    @Test func whoeverStopsItWaitsForTheSameEnd() async throws {
        let server = try TestServer()
        let peer = try server.client()
        async let first: Void = server.server.stop(graceMilliseconds: 20_000)
        #expect(try peer.next().opcode == .goAway)
        async let second: Void = server.server.stop()
        #expect(server.server.connectionCount == 1)
        peer.close()
        await second
        #expect(server.server.connectionCount == 0)
        await first
        await server.server.stop()
    }

    /// Every id up to lastRequestId is answered once; later ones are refused with applied = no, or dropped.
    @Test func underLoadEveryPromisedCallIsAnsweredOnce() async throws {
        let server = try TestServer()
        let seed = try server.client()
        try seed.createJob("load", ["a", "b", "c", "d"])
        let started = Counter()
        let clients = ["a", "b", "c", "d"].map { name in
            Task(executorPreference: ThreadExecutor.shared) { () -> (answered: Set<UInt64>, last: UInt64?) in
                let peer = try server.client()
                var answered: Set<UInt64> = []
                var last: UInt64?
                for _ in 0..<64 {
                    peer.append(
                        UpdateJobExecutionRequest(jobId: job("load"), thingName: thing(name), status: .inProgress))
                }
                peer.flush()
                do {
                    while true {
                        let frame = try peer.next()
                        if frame.opcode == .goAway {
                            last = try frame.message(GoAway.self).lastRequestId
                            continue
                        }
                        if frame.status == .ok {
                            let isNew = answered.insert(frame.header.requestId).inserted
                            #expect(isNew)
                        } else {
                            #expect(frame.status == .unavailable)
                            #expect(try frame.failure().applied == .no)
                        }
                        if started.add() > 0 {
                            peer.append(
                                UpdateJobExecutionRequest(
                                    jobId: job("load"), thingName: thing(name), status: .inProgress))
                            _ = peer.flush()
                        }
                    }
                } catch RawEnd.ended {
                } catch RawEnd.reset {}
                return (answered, last)
            }
        }
        #expect(await eventually { started.value > 2000 })
        await server.server.stop(graceMilliseconds: 5000)
        for client in clients {
            let (answered, last) = try await client.value
            #expect(last != nil)
            #expect(answered == Set(1...(last ?? 1)))
        }
    }

    @Test func clientsThatWereNeverGreetedDoNotHoldUpTheStop() async throws {
        let server = try TestServer()
        let silent = try RawPeer(port: server.port)
        let half = try RawPeer(port: server.port)
        half.send([0x89, 0x45])
        #expect(await eventually { server.server.connectionCount == 2 })
        let begun = ContinuousClock.now
        async let stopped: Void = server.server.stop(graceMilliseconds: 1000)
        #expect(try silent.receive() == [])
        #expect(try half.receive() == [])
        await stopped
        #expect(ContinuousClock.now - begun < .seconds(10))
    }

    @Test func aClientThatNeverReadsDoesNotHoldUpTheStop() async throws {
        let server = try TestServer()
        let lazy = try server.client()
        try lazy.createJob("lazy", (0..<250).map { "thing-with-a-rather-long-name-\($0)" })
        lazy.setTimeout(milliseconds: 500)
        for _ in 0..<100 {
            for _ in 0..<100 { lazy.append(ListJobExecutionsForJobRequest(jobId: job("lazy"))) }
            if !lazy.flush() { break }
        }
        await server.server.stop(graceMilliseconds: 300)
        #expect(server.server.connectionCount == 0)
    }

    @Test func stoppingTwiceIsHarmless() async throws {
        let server = try TestServer()
        let peer = try server.client()
        async let first: Void = server.stop()
        async let second: Void = server.stop()
        _ = await (first, second)
        _ = peer
        await server.stop()
    }

    @Test func anAddressInUseIsOneClearLine() async throws {
        let server = try TestServer()
        #expect {
            try TestServer { $0.port = server.port }
        } throws: { error in
            "\((error as? ServerStartError)?.description ?? "")".contains("is in use")
        }
        await server.stop()
    }
}
