import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Synchronization
import Testing

/// How calls end when they do not end with a reply.
@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct CallEndTests {
    /// Takes everything, answers nothing, and counts the calls.
    private func silentServer(_ calls: Counter) throws -> RawListener {
        try fakeServer { peer in
            while true {
                if try peer.next().header.opcode >= Opcode.firstCall { calls.add() }
            }
        }
    }

    @Test func aDeadlineEndsACallAndSaysWhetherItMayHaveRun() async throws {
        let listener = try silentServer(Counter())
        let client = try await connect(listener.port)
        let begun = ContinuousClock.now
        let change = await failure { () throws(ErrandError) in
            try await client.updateJobExecution(
                jobId: "j", thingName: "t", status: .inProgress, timeout: .milliseconds(100))
        }
        #expect(change?.code == .deadlineExceeded && change?.applied == .unknown)
        let read = await failure { () throws(ErrandError) in try await client.health(timeout: .milliseconds(100)) }
        #expect(read?.code == .deadlineExceeded && read?.applied == .no)
        #expect(ContinuousClock.now - begun < .seconds(5))
        client.close()
    }

    /// Deadlines of every length at once, from many threads: each ends in its time, though one timer serves all.
    @Test func everyDeadlineIsMet() async throws {
        let listener = try silentServer(Counter())
        let client = try await connect(listener.port)
        await withTaskGroup { group in
            for number in 0..<400 {
                group.addTask {
                    let limit = Duration.milliseconds((number * 37) % 400 + 1)
                    let begun = ContinuousClock.now
                    let error = await failure { () throws(ErrandError) in try await client.health(timeout: limit) }
                    let took = ContinuousClock.now - begun
                    #expect(error?.code == .deadlineExceeded)
                    #expect(took >= limit - .milliseconds(2))
                    #expect(took < .seconds(5))
                }
            }
        }
        client.close()
    }

    @Test func aDeadlineEndsACallThatWaitsForRoom() async throws {
        var narrow = Welcome()
        narrow.callsInFlightMax = 1
        let listener = try fakeServer(narrow) { peer in while true { _ = try peer.next() } }
        let client = try await connect(listener.port)
        async let first = failure { () throws(ErrandError) in try await client.health(timeout: .milliseconds(500)) }
        async let second = failure { () throws(ErrandError) in
            try await client.updateJobExecution(
                jobId: "j", thingName: "t", status: .inProgress, timeout: .milliseconds(500))
        }
        let errors = await [first, second]
        #expect(errors.allSatisfy { $0?.code == .deadlineExceeded })
        client.close()
    }

    @Test func cancellationEndsTheCallAndLeavesTheConnectionUsable() async throws {
        let calls = Counter()
        let cancels = Counter()
        let listener = try fakeServer { peer in
            while true {
                let frame = try peer.next()
                if frame.opcode == .cancelCall { cancels.add() }
                if frame.opcode == .health { peer.answer(frame, root: [1, 0, 0, 0, 0, 0, 0, 0]) }
                if frame.opcode == .updateJobExecution { calls.add() }
            }
        }
        let client = try await connect(listener.port)
        let task = Task {
            await failure { () throws(ErrandError) in
                try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
            }
        }
        #expect(await eventually { calls.value == 1 })
        task.cancel()
        let error = await task.value
        #expect(error?.code == .cancelled && error?.applied == .unknown)
        #expect(await eventually { cancels.value == 1 })
        #expect(try await client.health() == .serving)
        client.close()
    }

    @Test func aTaskCancelledBeforeItsCallSendsNothing() async throws {
        let calls = Counter()
        let listener = try silentServer(calls)
        let client = try await connect(listener.port)
        let error = await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure { () throws(ErrandError) in
                try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
            }
        }.value
        #expect(error?.code == .cancelled && error?.applied == .no)
        #expect(calls.value == 0)
        client.close()
    }

    /// Calls that end in every way at once: each ends exactly once, or the unsafe continuations would trap.
    @Test func cancellationsAndRepliesAndDeadlinesMayRace() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let ended = Counter()
        await withTaskGroup { group in
            for number in 0..<2000 {
                group.addTask {
                    let limit = Duration.milliseconds(number % 7 + 1)
                    let task = Task { try? await client.health(timeout: limit) }
                    if number % 2 == 0 { await Task.yield() }
                    if number % 3 != 0 { task.cancel() }
                    _ = await task.value
                    ended.add()
                }
            }
        }
        #expect(ended.value == 2000)
        #expect(try await client.health() == .serving)
        client.close()
        await server.stop()
    }

    @Test func callsAfterCloseFailAtOnceAndNothingRan() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        client.close()
        client.close()
        let error = await failure { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
        }
        #expect(error?.code == .cancelled && error?.applied == .no)
        _ = await client.byteCounts()
        await server.stop()
    }

    @Test func closeEndsCallsUnderWay() async throws {
        let calls = Counter()
        let listener = try silentServer(calls)
        let client = try await connect(listener.port)
        async let change = failure { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .inProgress)
        }
        async let read = failure { () throws(ErrandError) in try await client.health() }
        #expect(await eventually { calls.value == 2 })
        client.close()
        #expect(await change == ErrandError(.cancelled, "the client is closed", applied: .unknown))
        #expect(await read == ErrandError(.cancelled, "the client is closed", applied: .no))
    }

    /// All sockets and the loop itself go, whether the client is closed or only let go of.
    @Test(arguments: [true, false])
    func aClientThatGoesOutOfScopeReleasesEverything(closes: Bool) async throws {
        let server = try startServer()
        weak var loop: (any TaskExecutor)?
        weak var gone: JobExecutionClient?
        do {
            let client = try await connect(server.port) { $0.connectionCount = 3 }
            loop = client.executor
            gone = client
            for _ in 0..<10 { _ = try await client.health() }
            #expect(server.connectionCount == 3)
            if closes { client.close() }
        }
        #expect(gone == nil)
        #expect(await eventually { ProcessFacts.openSocketCount(port: server.port) == 1 })
        #expect(await eventually { loop == nil })
        #expect(await eventually { server.connectionCount == 0 })
        await server.stop()
    }
}
