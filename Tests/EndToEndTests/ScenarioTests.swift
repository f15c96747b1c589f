import ErrandClient
import ErrandCore
import ErrandServer
import ErrandStore
import ErrandTestSupport
import ErrandWire
import Foundation
import Testing

/// The scenarios of CONFORMANCE.md §3 that no other suite plays, through the client over TCP.
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct ScenarioTests {
    private let server: JobExecutionServer
    private let clock = ManualClock(at: 1_700_000_000_000)

    init() throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.loopCount = 2
        server = try JobExecutionServer.start(
            configuration, store: MemoryExecutionStore(rules: ExecutionRules(minuteLengthMilliseconds: 60_000)),
            clock: ServerClock { [clock] in clock.nowMilliseconds })
    }

    private func connect(_ change: (inout ClientConfiguration) -> Void = { _ in }) async throws -> JobExecutionClient {
        var configuration = ClientConfiguration()
        change(&configuration)
        return try await JobExecutionClient.connect(
            host: "127.0.0.1", port: Int(server.port), configuration: configuration)
    }

    private func refusal<R>(_ body: () async throws -> R) async throws -> ErrandError {
        do {
            _ = try await body()
        } catch let error as ErrandError {
            return error
        }
        throw ErrandError(.unknown, "the call should have been refused")
    }

    @Test func staleVersion() async throws {
        let client = try await connect()
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        _ = try await client.startNextPendingJobExecution(thingName: "t")
        _ = try await client.updateJobExecution(
            jobId: "j", thingName: "t", status: .inProgress, statusDetails: ["phase": "half"], expectedVersion: 2)
        let stale = try await refusal {
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .succeeded, expectedVersion: 2)
        }
        #expect(stale.code == .versionMismatch && stale.applied == .no)
        let details = try StatusDetails([(key: "phase", value: "half")])
        #expect(
            stale.executionState
                == JobExecutionState(
                    status: .inProgress, versionNumber: 3, executionNumber: 1, statusDetails: details))
        #expect(try await client.describeJobExecution(jobId: "j", thingName: "t").versionNumber == 3)
        client.close()
        await server.stop(graceMilliseconds: 200)
    }

    @Test func cancelRace() async throws {
        let device = try await connect()
        let operatorSide = try await connect()
        let things = (0..<300).map { "t\($0)" }
        try await device.createJob(jobId: "race", document: "{}", targets: things)
        for name in things {
            _ = try await device.startNextPendingJobExecution(thingName: name)
            async let update = attempt {
                try await device.updateJobExecution(
                    jobId: "race", thingName: name, status: .succeeded, expectedVersion: 2)
            }
            async let cancel = attempt {
                try await operatorSide.cancelJobExecution(
                    jobId: "race", thingName: name, force: true, expectedVersion: 2)
            }
            let (updated, canceled) = try await (update, cancel)
            #expect((updated == nil) != (canceled == nil))
            let winner: JobExecutionStatus = updated == nil ? .succeeded : .canceled
            let loser = updated ?? canceled
            #expect(loser?.code == .versionMismatch && loser?.executionState?.status == winner)
            #expect(try await device.describeJobExecution(jobId: "race", thingName: name).status == winner)
        }
        device.close()
        operatorSide.close()
        await server.stop(graceMilliseconds: 200)
    }

    private func attempt<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> ErrandError? {
        do {
            _ = try await body()
            return nil
        } catch let error as ErrandError {
            return error
        }
    }

    @Test func cancelRules() async throws {
        let client = try await connect()
        try await client.createJob(jobId: "j", document: "{}", targets: ["queued", "running"])
        #expect(try await client.cancelJobExecution(jobId: "j", thingName: "queued").status == .canceled)
        let again = try await refusal { try await client.cancelJobExecution(jobId: "j", thingName: "queued") }
        #expect(again.code == .invalidStateTransition && again.executionState?.status == .canceled)
        _ = try await client.startNextPendingJobExecution(thingName: "running")
        let busy = try await refusal { try await client.cancelJobExecution(jobId: "j", thingName: "running") }
        #expect(busy.code == .invalidStateTransition && busy.executionState?.status == .inProgress)
        _ = try await client.cancelJobExecution(jobId: "j", thingName: "running", force: true)
        let seen = try await client.describeJobExecution(jobId: "j", thingName: "running")
        #expect(seen.status == .canceled && seen.forceCanceled)
        client.close()
        await server.stop(graceMilliseconds: 200)
    }

    @Test func startNextRepeat() async throws {
        let client = try await connect()
        try await client.createJob(jobId: "j", document: "{\"a\":1}", targets: ["t"])
        let first = try await client.startNextPendingJobExecution(thingName: "t", statusDetails: ["n": "1"])
        let second = try await client.startNextPendingJobExecution(thingName: "t", statusDetails: ["n": "2"])
        #expect(first?.executionNumber == second?.executionNumber)
        #expect(first?.versionNumber == 2 && second?.versionNumber == 2)
        #expect(second?.statusDetails == (try StatusDetails([(key: "n", value: "1")])))
        client.close()
        await server.stop(graceMilliseconds: 200)
    }

    @Test func ownView() async throws {
        let client = try await connect()
        #expect(try await client.describeNextJobExecution(thingName: "t") == nil)
        try await client.createJob(jobId: "j", document: "{\"a\":1}", targets: ["t"])
        let head = try await client.describeNextJobExecution(thingName: "t")
        #expect(head?.status == .queued && head?.jobDocument == "{\"a\":1}")
        _ = try await client.updateJobExecution(jobId: "j", thingName: "t", status: .succeeded)
        let own = DescribeOwnJobExecutionRequest(jobId: try JobId("j"), thingName: try ThingName("t"))
        let ended = try await refusal { try await client.describeOwnJobExecution(own) }
        #expect(ended.code == .terminalState && ended.executionState?.status == .succeeded)
        client.close()
        await server.stop(graceMilliseconds: 200)
    }

    /// The clock stands still but for the test: not a millisecond early, and before any later call is decided.
    @Test func timers() async throws {
        let client = try await connect()
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        _ = try await client.startNextPendingJobExecution(thingName: "t", stepTimeoutInMinutes: 1)
        clock.advance(byMilliseconds: 59_999)
        #expect(try await client.describeJobExecution(jobId: "j", thingName: "t").status == .inProgress)
        clock.advance(byMilliseconds: 1)
        let late = try await refusal {
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .succeeded)
        }
        #expect(late.code == .invalidStateTransition && late.executionState?.status == .timedOut)
        client.close()
        await server.stop(graceMilliseconds: 200)
    }

    @Test func paging() async throws {
        let client = try await connect()
        try await client.createJob(jobId: "j", document: "{}", targets: (0..<1000).map { "t\($0)" })
        var seen: [String] = []
        var token: [UInt8]?
        var round = 0
        repeat {
            let page = try await client.listJobExecutionsForJob(
                ListJobExecutionsForJobRequest(jobId: JobId("j"), maxResults: 7, nextToken: token))
            #expect(page.executions.count <= 7)
            seen += page.executions.map { "\($0.thingName)" }
            token = page.nextToken
            round += 1
            try await client.createJob(jobId: "other-\(round)", document: "{}", targets: ["t\(round)", "new-\(round)"])
        } while token != nil
        #expect(seen.count == 1000 && Set(seen).count == 1000)
        let foreign = try await refusal {
            try await client.listJobExecutionsForJob(
                ListJobExecutionsForJobRequest(jobId: JobId("j"), nextToken: [1, 2, 3]))
        }
        #expect(foreign.code == .invalidRequest)
        client.close()
        await server.stop(graceMilliseconds: 200)
    }

    @Test func stagedJob() async throws {
        let peer = try RawPeer(port: server.port)
        try peer.greet()
        let names = try (0..<10_000).map { try ThingName("t\($0)") }
        let id = try JobId("staged")
        let create = CreateJobRequest(jobId: id, document: "{}", targetCount: 10_000, targets: Array(names[..<3]))
        func add(_ start: Int, _ end: Int) -> AddJobTargetsRequest {
            AddJobTargetsRequest(jobId: id, targetOffset: UInt32(start), targets: Array(names[start..<end]))
        }
        for _ in 0..<2 {
            #expect(try peer.call(create).message(JobTargetsReceipt.self).targetsReceived == 3)
            #expect(try peer.call(DescribeJobRequest(jobId: id)).status == .notFound)
        }
        for _ in 0..<2 {
            #expect(try peer.call(add(3, 5000)).message(JobTargetsReceipt.self).targetsReceived == 5000)
            #expect(try peer.call(DescribeJobRequest(jobId: id)).status == .notFound)
        }
        #expect(try peer.call(add(6000, 7000)).status == .failedPrecondition)
        for _ in 0..<2 {
            let receipt = try peer.call(add(5000, 10_000)).message(JobTargetsReceipt.self)
            #expect(receipt.isComplete && receipt.targetsReceived == 10_000)
        }
        // A large job is whole at once; its things are queued in portions.
        let isQueued = try await eventually {
            try peer.call(DescribeJobRequest(jobId: id)).message(Job.self).processDetails[.queued] == 10_000
        }
        #expect(isQueued)
        let foreign = AddJobTargetsRequest(jobId: id, targetOffset: 3, targets: [try ThingName("somebody")])
        #expect(try peer.call(foreign).status == .alreadyExists)
        peer.close()
        await server.stop(graceMilliseconds: 200)
    }

    /// One script with zlib and checksums off and on: the same results.
    @Test func compressionEquality() async throws {
        var results: [[String]] = []
        for (index, options) in [(false, false), (true, false), (false, true), (true, true)].enumerated() {
            let client = try await connect {
                $0.compression = options.0 ? .on : .off
                $0.checksums = options.1
            }
            let job = "equal-\(index)"
            let things = (0..<300).map { "thing-\($0)" }
            try await client.createJob(
                jobId: job, document: "{\"long\":\"\(String(repeating: "x", count: 3000))\"}", targets: things)
            for name in things.prefix(20) {
                _ = try await client.updateJobExecution(
                    jobId: job, thingName: name, status: .succeeded, statusDetails: ["by": name])
            }
            var lines: [String] = []
            for try await execution in try client.jobExecutions(jobId: job) {
                lines.append("\(execution.thingName) \(execution.status) \(execution.versionNumber)")
            }
            results.append(lines)
            client.close()
        }
        #expect(results[0].count == 300)
        #expect(results.allSatisfy { $0 == results[0] })
        await server.stop(graceMilliseconds: 200)
    }
}
