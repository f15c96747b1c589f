import ErrandClient
import ErrandCore
import ErrandTestSupport
import Testing

@testable import ErrandStore

/// TARGETS R1: what was acknowledged survives kill -9 of the real server, at any moment.
@Suite(.ownThreads, .timeLimit(.minutes(30)))
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
            let goal = logs.acknowledgedCount + Int.random(in: 100...800, using: &generator)
            try await Self.traffic(round: round, server, logs, until: goal)
            let unanswered = logs.unansweredCount(round: round, from: checkedCount)
            unansweredCount += unanswered
            if unanswered > 0 { roundsWithUnanswered += 1 }
            // The real server folds its journal after 200,000 records; this makes it start from tables now and then.
            if round % 7 == 3 { try Self.fold(directory.path) }
        }
        let server = try await ServerProcess(data: directory.path)
        _ = try await Self.verify(logs, from: checkedCount, port: server.port)
        // And once more a part of everything, from the first round on.
        _ = try await Self.verify(logs, from: 0, port: server.port, every: 4)
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
                group.addTask {
                    var configuration = ClientConfiguration()
                    configuration.connectTimeout = .seconds(60)
                    return try await JobExecutionClient.connect(
                        host: "127.0.0.1", port: server.port, configuration: configuration)
                }
            }
            return try await group.reduce(into: [JobExecutionClient]()) { $0.append($1) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask {
                    await KilledClient(name: "r\(round)-c\(number)", client: client, logs: logs).run()
                }
            }
            #expect(
                await eventually(within: .seconds(120)) { logs.acknowledgedCount >= goal }, "the clients do not get on")
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
    /// not answered is sent again first. Returns how many changes there are. `part`: only one of so many executions.
    private static func verify(
        _ logs: ClientLogs, from first: Int, port: Int, every part: Int = 1
    ) async throws -> Int {
        let client = try await JobExecutionClient.connect(host: "127.0.0.1", port: port)
        defer { client.close() }
        let count = logs.changes.count
        let unanswered = logs.unanswered(from: first).filter { $0 % 2 == 0 }
        await withTaskGroup(of: Void.self) { group in
            for part in unanswered.chunked(8) {
                group.addTask {
                    // What is not there at all throws: its job was lost before it was acknowledged.
                    for index in part { try? await logs.perform(index, client) }
                }
            }
        }
        let changes = Dictionary(grouping: logs.changes[first..<count], by: \.execution)
        let chosen = changes.enumerated().filter { $0.offset % part == 0 }.map(\.element)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in chosen.chunked(max(16, chosen.count / 32)) {
                group.addTask {
                    for (execution, changes) in part {
                        for problem in try await problems(of: execution, changes, logs, client) {
                            Issue.record("\(problem)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return count
    }

    /// What is not as the clients were told.
    private static func problems(
        of execution: String, _ changes: [ClientLogs.Change], _ logs: ClientLogs, _ client: JobExecutionClient
    ) async throws -> [String] {
        let names = execution.split(separator: "/").map(String.init)
        let described: JobExecution
        let page: JobExecutionHistoryPage
        do throws(ErrandError) {
            described = try await client.describeJobExecution(jobId: names[0], thingName: names[1])
            page = try await client.getJobExecutionHistory(jobId: names[0], thingName: names[1])
        } catch {
            let isLost = error.code != .notFound || logs.isAcknowledged(job: names[0])
            return isLost ? ["\(execution) is lost with its job, which was acknowledged: \(error)"] : []
        }
        let kept = page.entries.filter { $0.kind == .change }.map { Snapshot($0) }
        var problems: [String] = []
        if page.droppedCount > 0 || kept.map(\.version) != Array(1...described.versionNumber)
            || kept.last != Snapshot(described)
        {
            problems.append("\(execution) is \(described), and its history \(kept)")
        }
        let versions = Dictionary(grouping: kept.dropFirst(), by: \.marker).mapValues { $0.map(\.version) }
        let sent = Set(changes.map(\.marker))
        for (marker, versions) in versions {
            let isSent = marker.map { sent.contains($0) } ?? false
            if versions.count > 1 { problems.append("\(execution): change \(marker ?? 0) was made twice: \(versions)") }
            if !isSent { problems.append("\(execution): nobody sent \(marker ?? 0)") }
        }
        for change in changes {
            let made = versions[change.marker]
            switch change.answer {
            case .changed(let version) where made != [version]:
                problems.append("\(execution): change \(change.marker), version \(version), is lost: \(made ?? [])")
            case .refused where made != nil:
                problems.append("\(execution): change \(change.marker) had been refused")
            case .none, .changed, .refused: break
            }
        }
        return problems
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
