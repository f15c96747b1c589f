import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Testing

/// The client believes a server nothing (SPEC §15).
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct HostileServerTests {
    /// Plays every faulty server stream of the vectors to a real client. Whether the fault comes with WELCOME or under
    /// a call, the error names it.
    @Test func everyFaultyStreamIsATypedError() async throws {
        var count = 0
        for vector in try VectorFile.decodeErrors("streams") where vector.direction == "server" {
            // The client's own ids are 1, 2, …; these streams answer others. A stream of a watch that was begun is for
            // the state machine's tests: this client begins none.
            if vector.beginsWatch { continue }
            let listener = try RawListener()
            listener.serve { peer in
                _ = try peer.next()
                peer.send(vector.bytes)
                _ = try? peer.next()
                _ = try? peer.next()
            }
            let error = await failure { () throws(ErrandError) in
                let client = try await connect(listener.port) {
                    $0.compression = vector.agreed.zlib ? .on : .off
                    $0.connectTimeout = .seconds(2)
                }
                let error = await failure { () throws(ErrandError) in
                    try await client.updateJobExecution(
                        jobId: "j", thingName: "t", status: .inProgress, timeout: .milliseconds(500))
                }
                client.close()
                if let error { throw error }
            }
            #expect(error != nil, "\(vector)")
            // A fault that came with WELCOME ends the connection before the call is made: then the call only waits.
            let isNamed = error.map { $0.message.contains(vector.error) } ?? false
            #expect(isNamed, "\(vector): \(String(describing: error))")
            count += 1
        }
        #expect(count > 15)
    }

    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "HTTP_ON_PLAINTEXT"),
        ("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}(", "BAD_MAGIC"), ("\u{16}\u{3}\u{1}", "TLS_ON_PLAINTEXT"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "BAD_MAGIC"),
    ])
    func aServerOfAnotherProtocolIsNamed(bytes: String, name: String) async throws {
        let listener = try RawListener()
        listener.serve { peer in
            peer.send(Array(bytes.utf8))
            _ = try? peer.receive()
        }
        let error = await failure { () throws(ErrandError) in try await connect(listener.port) }
        #expect(error?.code == .protocolError)
        #expect(error?.message.contains(name) == true, "\(String(describing: error))")
    }

    @Test func aConnectionErrorIsPassedOn() async throws {
        let server = try startServer { $0.connectionCountMax = 0 }
        let error = await failure { () throws(ErrandError) in try await connect(server.port) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("CONNECTION_LIMIT") == true)
        await server.stop()
    }

    @Test func nobodyThereIsUnavailable() async throws {
        let port = try RawListener().port
        let error = await failure { () throws(ErrandError) in try await connect(port) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("Connection refused") == true)
    }

    /// The time to connect bounds the greeting too.
    @Test func aServerThatDoesNotGreetTimesOut() async throws {
        let listener = try RawListener()
        listener.serve { peer in while try !peer.receive().isEmpty {} }
        let begun = ContinuousClock.now
        let error = await failure { () throws(ErrandError) in
            try await connect(listener.port) { $0.connectTimeout = .milliseconds(300) }
        }
        #expect(error?.code == .unavailable)
        #expect(ContinuousClock.now - begun < .seconds(4))
    }

    @Test(arguments: [1, 3]) func connectingEndsWithItsTask(connectionCount: Int) async throws {
        let listener = try RawListener()
        let reached = Counter()
        listener.serve { peer in
            reached.add()
            while try !peer.receive().isEmpty {}
        }
        let begun = ContinuousClock.now
        let task = Task(executorPreference: ThreadExecutor.shared) {
            await failure { () throws(ErrandError) in
                try await connect(listener.port) {
                    $0.connectTimeout = .seconds(30)
                    $0.connectionCount = connectionCount
                }
            }
        }
        #expect(await eventually { reached.value >= 1 })
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(ContinuousClock.now - begun < .seconds(10))
    }

    /// Several connections have one time limit, not one each.
    @Test func severalConnectionsAreMadeAtOnce() async throws {
        let listener = try RawListener()
        listener.serve { peer in while try !peer.receive().isEmpty {} }
        let begun = ContinuousClock.now
        let error = await failure { () throws(ErrandError) in
            try await connect(listener.port) {
                $0.connectTimeout = .milliseconds(500)
                $0.connectionCount = 16
            }
        }
        #expect(error?.code == .unavailable)
        #expect(ContinuousClock.now - begun < .seconds(5))
    }

    /// A malformed reply fails its call only; the connection lives (FRM-4).
    @Test func aMalformedReplyFailsItsCallAlone() async throws {
        let listener = try fakeServer { peer in
            while true {
                let frame = try peer.next()
                let isHealth = frame.opcode == .health
                peer.answer(frame, root: isHealth ? [1, 0, 0, 0, 0, 0, 0, 0] : [1, 2, 3, 4, 5, 6, 7, 8])
            }
        }
        let client = try await connect(listener.port)
        let error = await failure { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
        }
        #expect(error?.code == .unknown && error?.applied == .unknown)
        #expect(try await client.health() == .serving)
        client.close()
    }

    /// A server that sends PINGs for ever and reads nothing: the answers must not pile up.
    @Test func aFloodOfPingsDoesNotGrowTheClient() async throws {
        let pongs = Counter()
        let listener = try fakeServer { peer in
            var flood: [UInt8] = []
            for number in 0..<2000 { peer.encoder.appendControl(Ping(opaque: UInt64(number)), .ping) }
            peer.encoder.seal(into: &flood, with: Deflater())
            for _ in 0..<400 where !peer.send(flood) { return }
            var call = try peer.next()
            while call.opcode != .health {
                pongs.add()
                call = try peer.next()
            }
            // All that was owed stood before a call that is made now.
            peer.answer(call, root: [1, 0, 0, 0, 0, 0, 0, 0])
            while true { _ = try peer.next() }
        }
        let client = try await connect(listener.port)
        #expect(await eventually { await client.byteCounts().received > 18_000_000 })
        #expect(try await client.health() == .serving)
        // One for each read at most, of 800,000.
        #expect((1...50_000).contains(pongs.value))
        client.close()
    }

    @Test func fieldsOutsideTheirLimitsAreRefusedBeforeTheyAreSent() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let name = await failure { () throws(ErrandError) in
            try await client.describeJobExecution(jobId: "j", thingName: "not a name")
        }
        #expect(name?.code == .invalidRequest && name?.applied == .no)
        client.close()
        await server.stop()
    }
}
