import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import ErrandWire
import Synchronization
import Testing

/// The device's loop, and the helpers around it.
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct JobExecutionWorkerTests {
    private final class Pauses: Sendable {
        let asked = Mutex<[Duration]>([])
    }

    /// A worker that, where it would wait, does what the test says.
    private func worker(
        _ client: JobExecutionClient, _ name: String, _ pauses: Pauses,
        onPause: @escaping @Sendable (_ number: Int) async throws -> Void
    ) throws -> JobExecutionWorker {
        JobExecutionWorker(
            client, thingName: try ThingName(name), configuration: JobExecutionWorker.Configuration()
        ) { duration in
            let number = pauses.asked.withLock {
                $0.append(duration)
                return $0.count
            }
            try await onPause(number)
        }
    }

    @Test func oneAfterTheOtherIsHandedOutAndReportedOn() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let pauses = Pauses()
        let worker = try worker(client, "t", pauses) { number in
            if number == 2 { try await client.createJob(jobId: "c", document: "{}", targets: ["t"]) }
        }
        try await client.createJob(jobId: "a", document: #"{"a":1}"#, targets: ["t"])
        try await client.createJob(jobId: "b", document: "{}", targets: ["t"])
        let first = try await worker.next()
        #expect(first.jobId == "a" && first.jobDocument == #"{"a":1}"# && first.execution.status == .inProgress)
        try await first.reportProgress(done: 3, total: 10, details: try StatusDetails([(key: "step", value: "x")]))
        let details = try await client.describeJobExecution(jobId: "a", thingName: "t").statusDetails
        #expect(details.dictionary == ["progress": "3/10", "step": "x"])
        try await first.reportProgress(done: 4, total: 10, keepsOtherDetails: true)
        let change = try await first.succeed(expectedVersion: 4)
        #expect(change.status == .succeeded && change.versionNumber == 5)
        // The next one comes at once.
        let second = try await worker.next()
        #expect(second.jobId == "b" && pauses.asked.withLock { $0.isEmpty })
        try await second.reject(.fitted([(key: "why not", value: "no\nidea")]))
        // Nothing is pending: it looks every 30 s, more or less.
        let third = try await worker.next()
        #expect(third.jobId == "c")
        let asked = pauses.asked.withLock { $0 }
        #expect(asked.count == 2 && asked.allSatisfy { $0 >= .seconds(22) && $0 <= .seconds(38) })
        #expect(try await third.fail().status == .failed)
        client.close()
        await server.stop()
    }

    /// The pause never ends: what wakes the worker is the watch of its queue.
    @Test func workIsHandedOutAsSoonAsItIsQueued() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let worker = try worker(client, "t", Pauses()) { _ in
            for await _ in AsyncStream<Void>.makeStream().stream {}
            throw CancellationError()
        }
        for id in ["a", "b"] {
            async let work = worker.next()
            try await client.createJob(jobId: id, document: "{}", targets: ["t"])
            let found = try await work
            #expect(found.jobId == id)
            _ = try await found.succeed()
        }
        let waiting = Task { try await worker.next() }
        waiting.cancel()
        #expect(await failure { () throws(ErrandError) in try await Self.value(of: waiting) }?.code == .cancelled)
        client.close()
        await server.stop()
    }

    private static func value(of task: Task<StartedJobExecution, any Error>) async throws(ErrandError) {
        do {
            _ = try await task.value
        } catch {
            throw (error as? ErrandError) ?? ErrandError(.unknown, "\(error)")
        }
    }

    @Test func anUnfinishedExecutionComesAgainAfterAPauseAndAtOnceAfterARestart() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let pauses = Pauses()
        let worker = try worker(client, "t", pauses) { _ in }
        try await client.createJob(jobId: "a", document: "{}", targets: ["t"])
        let first = try await worker.next()
        let again = try await worker.next()
        #expect(first.execution.versionNumber == again.execution.versionNumber)
        #expect(pauses.asked.withLock { $0.count } == 1)
        let restarted = try await self.worker(client, "t", pauses) { _ in }.next()
        #expect(restarted.jobId == "a" && pauses.asked.withLock { $0.count } == 1)
        // A late report never touches a later attempt, and says what is true.
        _ = try await client.cancelJobExecution(jobId: "a", thingName: "t", force: true)
        let error = await failure { () throws(ErrandError) in try await restarted.succeed() }
        #expect(error?.code == .invalidStateTransition && error?.executionState?.status == .canceled)
        client.close()
        await server.stop()
    }

    /// A job's id may be used again, and its executions are numbered from 1 again: they are not the one of before.
    @Test func anExecutionOfALaterJobOfTheSameIdIsHandedOutAtOnce() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let pauses = Pauses()
        let worker = try worker(client, "t", pauses) { _ in }
        try await client.createJob(jobId: "a", document: "1", targets: ["t"])
        let first = try await worker.next()
        try await first.succeed()
        try await client.deleteJob(jobId: "a")
        let queuedAt = first.execution.queuedAtMilliseconds
        #expect(await eventually { (try? await client.serverInfo())?.nowMilliseconds ?? 0 > queuedAt })
        try await client.createJob(jobId: "a", document: "2", targets: ["t"])
        let second = try await worker.next()
        #expect(second.executionNumber == first.executionNumber && second.jobDocument == "2")
        #expect(pauses.asked.withLock { $0.isEmpty })
        client.close()
        await server.stop()
    }

    /// Refusals that may pass are waited out, longer each time; others are thrown, and so is the end of the task.
    @Test func failuresAreWaitedOutWhenThatMayHelp() async throws {
        let calls = Counter()
        let listener = try fakeServer { peer in
            while true {
                let call = try peer.next()
                let code: StatusCode = calls.add() <= 4 ? .throttled : .permissionDenied
                peer.encoder.beginFrame(
                    call.header.opcode, flags: .reply, status: code, rootByteCount: Failure.rootByteCount,
                    requestId: call.header.requestId)
                Failure(
                    applied: .no, message: "no", retryAfterMilliseconds: calls.value == 1 ? 20_000 : nil
                ).writeBody(to: &peer.encoder.body)
                _ = peer.encoder.endFrame()
                peer.flush()
            }
        }
        let client = try await connect(listener.port)
        let pauses = Pauses()
        let worker = try worker(client, "t", pauses) { _ in }
        let error = await failure { () throws(ErrandError) in try await worker.next() }
        #expect(error?.code == .permissionDenied)
        let asked = pauses.asked.withLock { $0 }
        #expect(asked.count == 4 && asked[0] == .seconds(20))
        #expect(asked[1] >= .seconds(1) && asked[1] <= .seconds(2) && asked[3] >= .seconds(4))
        let cancelled = try self.worker(client, "t", pauses) { _ in throw CancellationError() }
        calls.add(-100)
        #expect(await failure { () throws(ErrandError) in try await cancelled.next() }?.code == .cancelled)
        client.close()
    }

    /// Eight writers count up one detail, each deciding on what it sees: no count is lost.
    @Test func racingWritersDecideAgainOnFreshState() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<25 {
                        let change = try await client.updateJobExecution(
                            jobId: "j", thingName: "t", attempts: 10_000
                        ) { state in
                            let count = Int(state.statusDetails["count"] ?? "0") ?? 0
                            let details = try? StatusDetails([(key: "count", value: String(count + 1))])
                            return JobExecutionDecision(.inProgress, statusDetails: details)
                        }
                        #expect(change?.status == .inProgress)
                    }
                }
            }
            try await group.waitForAll()
        }
        let execution = try await client.describeJobExecution(jobId: "j", thingName: "t")
        #expect(execution.statusDetails["count"] == "200" && execution.versionNumber == 201)
        // Nobody wants a change: none is made. Too many others: the refusal is thrown.
        #expect(try await client.updateJobExecution(jobId: "j", thingName: "t", decide: { _ in nil }) == nil)
        client.close()
        await server.stop()
    }

    @Test func aWriterThatAlwaysLosesSaysSo() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let other = try RawPeer(port: server.port)
        try other.greet()
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        let asked = Counter()
        let error = await failure { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", attempts: 3) { state in
                asked.add()
                #expect(state.versionNumber == Int64(asked.value))
                do {
                    _ = try other.call(
                        UpdateJobExecutionRequest(
                            jobId: try JobId("j"), thingName: try ThingName("t"), status: .inProgress))
                } catch {
                    Issue.record(error)
                }
                return JobExecutionDecision(.succeeded)
            }
        }
        #expect(error?.code == .versionMismatch && asked.value == 3)
        client.close()
        await server.stop()
    }

    @Test func anyTextIsMadeFitForStatusDetails() throws {
        #expect("".fittedForStatusDetails() == "-")
        #expect("a\r\nb\tc\u{202E}d".fittedForStatusDetails() == "a  b c\u{FFFD}d")
        let long = String(repeating: "x", count: 1500) + "end"
        let head = long.fittedForStatusDetails()
        let tail = long.fittedForStatusDetails(keeping: .tail)
        #expect(head.unicodeScalars.count == 1024 && head.hasPrefix("xxx") && head.hasSuffix("x…"))
        #expect(tail.unicodeScalars.count == 1024 && tail.hasPrefix("…x") && tail.hasSuffix("end"))
        #expect(String(repeating: "ü", count: 1024).fittedForStatusDetails().count == 1024)
        for _ in 0..<200 {
            let pairs = (0..<Int.random(in: 0...14)).map { _ in (key: Self.anyText(200), value: Self.anyText(1200)) }
            let fitted = StatusDetails.fitted(pairs, keeping: .tail)
            #expect(fitted.count <= 10 && (fitted.isEmpty == pairs.isEmpty))
            #expect(try StatusDetails(fitted.pairs) == fitted)
        }
    }

    private static func anyText(_ countMax: Int) -> String {
        let scalars = (0..<Int.random(in: 0...countMax)).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 0...(Bool.random() ? 0x7F : 0x10FFFF)))
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
