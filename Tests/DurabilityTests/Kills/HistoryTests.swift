import ErrandClient
import ErrandCore
import ErrandTestSupport
import Synchronization
import Testing

/// TARGETS R4 and R5: what 32 clients do to the same executions at the same time, over TCP, while the server is killed and
/// connections are cut, is linearizable for each execution; no change is made twice; a watch misses and repeats nothing.
@Suite(.ownThreads, .timeLimit(.minutes(30)))
struct HistoryTests {
    private static let operationCount: Int64 = 200_000
    /// A few more, because every task counts one that it then does not make.
    private static let callCount = operationCount + 2000
    private static let generationCount = 8
    private static let clientCount = 32
    private static let tasksPerClient = 4
    private static let executionCount = 64

    @Test func twoHundredThousandCallsUnderKillsAndCutsAreLinearizable() async throws {
        let seed = newSeed()
        let cluster = try await KilledServer(seed: seed)
        let clock = HistoryClock()
        let start = ContinuousClock.now
        let observer = try await Self.connect(Int(cluster.steady.port))
        let watch = try await observer.watch(.everything)
        let events = EventLog()
        let (markers, done, repeats) = (Numbers(), Numbers(), Numbers())
        let histories = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await events.follow(watch, clock, until: "last/last") }
            var clients: [HistoryClient] = []
            for number in 0..<Self.clientCount {
                let proxy = number % 2 == 0 ? cluster.steady : cluster.cutting
                let client = try await Self.connect(Int(proxy.port))
                clients += (0..<Self.tasksPerClient).map { _ in
                    HistoryClient(
                        number: number, client: client, clock: clock, markers: markers, done: done, repeats: repeats)
                }
            }
            var histories: [ExecutionHistory] = []
            for generation in 0..<Self.generationCount {
                let recorder = HistoryRecorder(jobId: "g\(generation)", executionCount: Self.executionCount)
                let goal = Self.callCount * Int64(generation + 1) / Int64(Self.generationCount)
                histories += try await Self.play(recorder, clients, until: goal, seed: seed, cluster, observer)
            }
            cluster.cutting.heal()
            // The last change of all, for which the watch is waited.
            try await observer.createJob(jobId: "last", document: "{}", targets: ["last"])
            try await group.next()
            group.cancelAll()
            for client in clients { client.client.close() }
            return histories
        }
        observer.close()
        let elapsed = ContinuousClock.now - start
        let seen = events.events
        let checkStart = ContinuousClock.now
        var violations = HistoryChecker.check(watch: seen)
        let byExecution = Dictionary(grouping: seen.filter { $0.execution != nil }, by: \.execution)
        var (calls, changes, unknown) = (0, 0, 0)
        for var history in histories {
            history.events = byExecution[history.name] ?? []
            violations += HistoryChecker.check(history)
            calls += history.operations.count
            changes += Int(history.final.version) - 1
            unknown += history.operations.count { $0.outcome == .unknown }
        }
        for violation in violations.prefix(20) { Issue.record("seed \(seed): \(violation)") }
        print(
            "\(calls) calls, \(changes) changes made, \(unknown) unknown, \(repeats.next() - 1) sent again by hand, "
                + "\(cluster.killCount.value) kills, \(cluster.cutting.cutCount) cuts, \(seen.count) events; \(elapsed), "
                + "checked in \(ContinuousClock.now - checkStart)")
        #expect(violations.isEmpty)
        #expect(calls >= Self.operationCount)
        #expect(cluster.killCount.value >= Self.generationCount && cluster.cutting.cutCount > 20)
        try await cluster.stop()
    }

    private static func connect(_ port: Int) async throws -> JobExecutionClient {
        var configuration = ClientConfiguration()
        configuration.callTimeout = .seconds(60)
        configuration.keepaliveInterval = .seconds(3)
        configuration.keepaliveTimeout = .seconds(3)
        configuration.reconnectDelay = .milliseconds(20)
        configuration.reconnectDelayMax = .milliseconds(200)
        return try await JobExecutionClient.connect(host: "127.0.0.1", port: port, configuration: configuration)
    }

    /// All clients at work on the same executions, with the server killed meanwhile; then what is left.
    private static func play(
        _ recorder: HistoryRecorder, _ clients: [HistoryClient], until goal: Int64, seed: UInt64,
        _ cluster: KilledServer, _ observer: JobExecutionClient
    ) async throws -> [ExecutionHistory] {
        let things = (0..<recorder.executionCount).map { recorder.thing($0) }
        try await observer.createJob(jobId: recorder.jobId, document: "{}", targets: things)
        let done = clients[0].done
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask {
                    try await client.run(recorder, until: goal, seed: seed &* 1000 &+ UInt64(number) &+ UInt64(goal))
                }
            }
            group.addTask { try await cluster.killWhileBusy(done, until: goal) }
            try await group.waitForAll()
        }
        return try await histories(recorder, observer)
    }

    private static func histories(
        _ recorder: HistoryRecorder, _ client: JobExecutionClient
    ) async throws -> [ExecutionHistory] {
        var histories: [ExecutionHistory] = []
        for index in 0..<recorder.executionCount {
            let thing = recorder.thing(index)
            let final = try await client.describeJobExecution(jobId: recorder.jobId, thingName: thing)
            let page = try await client.getJobExecutionHistory(jobId: recorder.jobId, thingName: thing)
            var history = ExecutionHistory(name: "\(recorder.jobId)/\(thing)", final: Snapshot(final))
            history.operations = recorder.operations(index)
            history.kept = page.entries.filter { $0.kind == .change }.map { Snapshot($0) }
            histories.append(history)
        }
        return histories
    }
}

/// The real server, killed and started again at random, behind two proxies: one cuts connections, the other does not.
final class KilledServer: Sendable {
    let steady: CuttingProxy
    let cutting: CuttingProxy
    let killCount = Counter()
    private let directory = TemporaryDirectory()
    private let state: Mutex<(server: ServerProcess, generator: SeededGenerator)>

    init(seed: UInt64) async throws {
        let server = try await ServerProcess(data: directory.path)
        steady = try CuttingProxy(to: UInt16(server.port), cuttingPercentage: 0)
        cutting = try CuttingProxy(to: UInt16(server.port), cuttingPercentage: 1)
        state = Mutex((server, SeededGenerator(seed: seed)))
    }

    /// Kills after a random number of calls, again and again, until `goal` of them have been made.
    func killWhileBusy(_ done: Numbers, until goal: Int64) async throws {
        while true {
            let next = done.value + state.withLock { Int64.random(in: 3000...9000, using: &$0.generator) }
            guard next < goal else { return }
            _ = await eventually(within: .seconds(60)) { done.value >= next }
            try await state.withLock { $0.server }.kill()
            killCount.add()
            let server = try await ServerProcess(data: directory.path)
            for proxy in [steady, cutting] { proxy.aim(at: UInt16(server.port)) }
            state.withLock { $0.server = server }
        }
    }

    func stop() async throws { try await state.withLock { $0.server }.kill() }
}
