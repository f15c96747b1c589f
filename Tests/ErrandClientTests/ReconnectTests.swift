import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Synchronization
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct ReconnectTests {
    /// The first connection dies with a change and a read in flight. Without a key the change may have run and says so; the
    /// read is asked again on the next connection.
    @Test func aLostConnectionFailsChangesWithoutKeysAndRepeatsReads() async throws {
        let connections = Counter()
        let listener = try RawListener()
        listener.serve { peer in
            try peer.welcome()
            if connections.add() == 1 {
                for _ in 0..<2 { _ = try peer.next() }
                peer.reset()
            } else {
                while true { peer.answer(try peer.next(), root: [1, 0, 0, 0, 0, 0, 0, 0]) }
            }
        }
        let client = try await connect(listener.port) { $0.usesIdempotencyKeys = false }
        async let change = failure { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
        }
        async let health = client.health()
        let error = await change
        #expect(error?.code == .unavailable && error?.applied == .unknown)
        #expect(try await health == .serving)
        #expect(connections.value == 2)
        client.close()
    }

    @Test func aServerThatComesBackOnItsPortIsFoundAgain() async throws {
        let first = try startServer()
        let port = first.port
        let client = try await connect(port)
        #expect(try await client.health() == .serving)
        await first.stop()
        // Made while nobody listens: it waits for the server to come back.
        async let waiting = client.health()
        let second = try startServer(port: port)
        #expect(try await waiting == .serving)
        await second.stop()
        #expect(await failure { () throws(ErrandError) in try await client.health(timeout: .milliseconds(200)) } != nil)
        let third = try startServer(port: port)
        #expect(try await client.health() == .serving)
        client.close()
        await third.stop()
    }

    /// While the server is away each call ends with its own deadline, and nothing of it was sent.
    @Test func callsMadeWhileNobodyListensEndInTime() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        await server.stop()
        let error = await failure { () throws(ErrandError) in
            try await client.updateJobExecution(
                jobId: "j", thingName: "t", status: .inProgress, timeout: .milliseconds(300))
        }
        #expect(error?.code == .unavailable && error?.applied == .no)
        #expect(error?.message.contains("not connected") == true)
        client.close()
    }

    /// A server that greets and drops us: the pauses between attempts have to grow, or clients would hammer it.
    @Test func aServerThatDropsUsIsNotHammered() async throws {
        let connections = Counter()
        let listener = try RawListener()
        listener.serve { peer in
            try peer.welcome()
            connections.add()
            _ = try peer.next()
        }
        let client = try await connect(listener.port) {
            $0.reconnectDelay = .milliseconds(100)
            $0.reconnectDelayMax = .seconds(60)
        }
        let error = await failure { () throws(ErrandError) in try await client.health(timeout: .seconds(3)) }
        #expect(error?.code == .unavailable)
        #expect(connections.value < 25)
        client.close()
    }

    /// One server drains while 64 tasks call in a loop, and another takes over the port. Reads, and calls that were not
    /// sent or that the first server did not take, are answered by the second; a change whose reply was lost may fail,
    /// but then it says that it may have run, and the drain answers all it took, so none should.
    @Test func aDrainUnderLoadLosesNothing() async throws {
        let first = try startServer()
        let port = first.port
        let client = try await connect(port) { $0.reconnectDelay = .milliseconds(5) }
        let things = (0..<64).map { "thing-\($0)" }
        try await client.createJob(jobId: "drain", document: "{}", targets: things)
        let load = Load()
        let tasks = things.enumerated().map { index, name in
            Task(executorPreference: ThreadExecutor.shared) {
                while !load.isOver.load(ordering: .relaxed) {
                    await load.call(client, name, isRead: index % 2 == 0)
                }
            }
        }
        #expect(await eventually { load.answered.value > 2000 })
        await first.stop()
        let second = try startServer(port: port)
        let before = load.answered.value
        #expect(await eventually { load.answered.value > before + 2000 })
        load.isOver.store(true, ordering: .relaxed)
        for task in tasks { await task.value }
        #expect(load.errors.withLock { $0 } == [])
        client.close()
        await second.stop()
    }

    /// GOAWAY with calls above lastRequestId: they were not executed and go elsewhere at once, also when the old server
    /// still refuses them one by one.
    @Test func callsAboveTheLastIdGoElsewhere() async throws {
        let connections = Counter()
        let listener = try RawListener()
        listener.serve { peer in
            try peer.welcome()
            let isFirst = connections.add() == 1
            let first = try peer.next()
            if isFirst {
                let second = try peer.next()
                peer.encoder.appendControl(
                    GoAway(
                        lastRequestId: first.header.requestId, graceMilliseconds: 1000, retryAfterMilliseconds: 0,
                        message: "stopping"), .goAway, status: .unavailable)
                let refusal = Failure(applied: .no, message: "stopping")
                peer.encoder.beginFrame(
                    second.header.opcode, flags: .reply, status: .unavailable, rootByteCount: Failure.rootByteCount,
                    requestId: second.header.requestId)
                refusal.writeBody(to: &peer.encoder.body)
                _ = peer.encoder.endFrame()
                peer.flush()
            }
            answerUpdate(first, peer)
            while true { answerUpdate(try peer.next(), peer) }
        }
        let client = try await connect(listener.port)
        async let first = client.updateJobExecution(jobId: "j", thingName: "a", status: .inProgress)
        async let second = client.updateJobExecution(jobId: "j", thingName: "b", status: .inProgress)
        #expect(try await first.status == .inProgress)
        #expect(try await second.status == .inProgress)
        #expect(connections.value == 2)
        client.close()
    }
}

/// A JobExecutionChange of nothing but its status.
func answerUpdate(_ call: RawFrame, _ peer: RawPeer) {
    var body = [UInt8](repeating: 0, count: 32 + 2 + 4)
    body[4] = JobExecutionStatus.inProgress.rawValue
    peer.appendRaw(
        call.header.opcode, body: body, rootByteCount: 32, requestId: call.header.requestId, flags: .reply)
    peer.flush()
}

/// Calls without end, and what became of them.
private final class Load: Sendable {
    let answered = Counter()
    let isOver = Atomic<Bool>(false)
    let errors = Mutex<[ErrandError]>([])

    func call(_ client: JobExecutionClient, _ name: String, isRead: Bool) async {
        do throws(ErrandError) {
            if isRead {
                _ = try await client.health()
            } else {
                _ = try await client.updateJobExecution(jobId: "drain", thingName: name, status: .inProgress)
            }
        } catch {
            // The second server has another store.
            if error.code != .notFound { errors.withLock { $0.append(error) } }
        }
        answered.add()
    }
}
