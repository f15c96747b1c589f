import ErrandClient
import ErrandCore
import ErrandTestSupport
import Testing

@testable import ErrandStore

/// TARGETS R1: what was acknowledged survives kill -9 of the real server, at any moment.
@Suite(.ownThreads, .timeLimit(.minutes(5)))
struct KillTests {
    private static let roundCount = 50
    private static let clientCount = 64

    @Test func whatWasAcknowledgedSurvivesFiftyKills() async throws {
        var generator = SeededGenerator(seed: newSeed())
        let directory = TemporaryDirectory()
        let logs = ClientLogs()
        var roundsWithUnanswered = 0
        var unansweredCount = 0
        var checkedCount = 0
        let start = ContinuousClock.now
        for round in 0..<Self.roundCount {
            let server = try await ServerProcess(data: directory.path)
            // Its first calls settle what the last kill left open.
            checkedCount = try await Self.verify(logs, from: checkedCount, port: server.port)
            let goal = logs.acknowledgedCount + Int.random(in: 50...1200, using: &generator)
            try await Self.traffic(round: round, server, logs, until: goal)
            let unanswered = logs.changes[checkedCount...].count { if case .none = $0.answer { true } else { false } }
            unansweredCount += unanswered
            if unanswered > 0 { roundsWithUnanswered += 1 }
            // The real server folds its journal after 200,000 records; this makes it start from tables now and then.
            if round % 7 == 3 { try Self.fold(directory.path) }
        }
        let server = try await ServerProcess(data: directory.path)
        _ = try await Self.verify(logs, from: checkedCount, port: server.port)
        // And once more everything, from the first round on.
        _ = try await Self.verify(logs, from: 0, port: server.port)
        try await Self.verifyJobs(logs, port: server.port)
        try await server.kill()
        print(
            "\(Self.roundCount) kills, \(logs.acknowledgedCount) acknowledged changes, \(unansweredCount) unanswered ones "
                + "in \(roundsWithUnanswered) rounds, \(ContinuousClock.now - start)")
        #expect(roundsWithUnanswered > Self.roundCount * 4 / 5, "the kills did not hit traffic")
        #expect(logs.acknowledgedCount > Self.roundCount * 100)
    }

    /// 64 clients at work until the server is killed under them.
    private static func traffic(
        round: Int, _ server: ServerProcess, _ logs: ClientLogs, until goal: Int
    ) async throws {
        let clients = try await withThrowingTaskGroup(of: JobExecutionClient.self) { group in
            for _ in 0..<clientCount {
                group.addTask { try await JobExecutionClient.connect(host: "127.0.0.1", port: server.port) }
            }
            return try await group.reduce(into: [JobExecutionClient]()) { $0.append($1) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask {
                    await KilledClient(name: "r\(round)-c\(number)", client: client, logs: logs).run()
                }
            }
            #expect(await eventually { logs.acknowledgedCount >= goal }, "the clients do not get on")
            try await server.kill()
            for client in clients { client.close() }
            try await group.waitForAll()
        }
    }

    private static func fold(_ directory: String) throws {
        let store = try DurableExecutionStore(directory: directory, rules: ExecutionRules(), at: 0)
        if let fault = store.checkpoint() ?? store.stop() { throw fault }
    }

    // MARK: Comparing

    /// Compares the executions of all changes from `first` on with what the clients were told. Every second change that was
    /// not answered is sent again first. Returns how many changes there are.
    private static func verify(_ logs: ClientLogs, from first: Int, port: Int) async throws -> Int {
        let client = try await JobExecutionClient.connect(host: "127.0.0.1", port: port)
        defer { client.close() }
        let count = logs.changes.count
        let unanswered = (first..<count).filter { index in
            if case .none = logs.changes[index].answer { index % 2 == 0 } else { false }
        }
        for index in unanswered {
            // One that is not there at all: its job was lost before it was acknowledged.
            try? await logs.perform(index, client)
        }
        let changes = Dictionary(grouping: logs.changes[first..<count], by: \.execution)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, part) in Array(changes).chunked(64).enumerated() {
                if number >= 4 { try await group.next() }
                group.addTask {
                    for (execution, changes) in part { try await verify(execution, changes, logs, client) }
                }
            }
            try await group.waitForAll()
        }
        return count
    }

    private static func verify(
        _ execution: String, _ changes: [ClientLogs.Change], _ logs: ClientLogs, _ client: JobExecutionClient
    ) async throws {
        let names = execution.split(separator: "/").map(String.init)
        let described: JobExecution
        let page: JobExecutionHistoryPage
        do throws(ErrandError) {
            described = try await client.describeJobExecution(jobId: names[0], thingName: names[1])
            page = try await client.getJobExecutionHistory(jobId: names[0], thingName: names[1])
        } catch {
            #expect(error.code == .notFound)
            #expect(logs.jobs[names[0]] == false, "\(execution) is lost with its job, which was acknowledged")
            return
        }
        let kept = page.entries.filter { $0.kind == .change }.map { Snapshot($0) }
        #expect(page.droppedCount == 0 && kept.map(\.version) == Array(1...described.versionNumber), "\(execution)")
        #expect(kept.last?.status == described.status && kept.last?.marker.map { "\($0)" } == described.statusDetails["m"])
        let versions = Dictionary(grouping: kept.dropFirst(), by: \.marker).mapValues { $0.map(\.version) }
        let sent = Set(changes.map(\.marker))
        for (marker, versions) in versions {
            #expect(versions.count == 1, "\(execution): change \(marker ?? 0) was made twice: \(versions)")
            #expect(marker.map { sent.contains($0) } == true, "\(execution): nobody sent \(marker ?? 0)")
        }
        for change in changes {
            switch change.answer {
            case .changed(let version):
                #expect(versions[change.marker] == [version], "\(execution): change \(change.marker) is lost")
            case .refused:
                #expect(versions[change.marker] == nil, "\(execution): change \(change.marker) had been refused")
            case .none: break
            }
        }
    }

    /// Every acknowledged job is there, and none that nobody sent.
    private static func verifyJobs(_ logs: ClientLogs, port: Int) async throws {
        let client = try await JobExecutionClient.connect(host: "127.0.0.1", port: port)
        defer { client.close() }
        var found: Set<String> = []
        for try await job in client.jobs() { found.insert("\(job.jobId)") }
        let jobs = logs.jobs
        #expect(found.isSubset(of: jobs.keys))
        #expect(found.isSuperset(of: jobs.filter(\.value).keys))
    }
}

extension Array {
    func chunked(_ size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min(count, $0 + size)]) }
    }
}
