import ErrandClient
import ErrandCore
import ErrandServer
import ErrandStore
import ErrandTestSupport
import Foundation
import Synchronization
import Testing

/// Watches by the client library over TCP (SPEC §9.23).
@Suite(.ownThreads, .timeLimit(.minutes(30)))
struct WatchTests {
    /// SEMANTICS 1.13, row by row. Each row brings what it says, and nothing more: the next row's would show.
    @Test func aQueueIsToldOfAsTheTableSays() async throws {
        let world = try await JobWorld()
        let client = world.client
        let told = try await client.watchQueue(thingName: "t").makeAsyncIterator()
        func list(_ ids: String...) async throws {
            guard case .pending(let pending)? = try await told.next() else { return #expect(Bool(false)) }
            #expect((pending.inProgressJobs + pending.queuedJobs).map(\.jobId.description) == ids)
        }
        func head(_ id: String?) async throws {
            guard case .next(let execution)? = try await told.next() else { return #expect(Bool(false)) }
            #expect(execution?.jobId.description == id)
            #expect(execution?.jobDocument == (id == nil ? nil : "{\"is\":\"\(id ?? "")\"}"))
        }
        func create(_ id: String) async throws {
            world.clock.advance(byMilliseconds: 1)
            try await client.createJob(
                jobId: id, document: "{\"is\":\"\(id)\"}", targets: ["t"],
                configuration: JobConfiguration(
                    retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 1)]))
        }
        try await list()
        try await head(nil)
        try await create("a")
        try await list("a")
        try await head("a")
        try await create("b")
        try await list("a", "b")
        // Started and reported on: the head stays, the list too.
        _ = try await client.startNextPendingJobExecution(thingName: "t")
        _ = try await client.updateJobExecution(jobId: "a", thingName: "t", status: .inProgress)
        // Another that is started stands behind; one that ends behind the head changes the list only.
        _ = try await client.updateJobExecution(jobId: "b", thingName: "t", status: .inProgress)
        _ = try await client.updateJobExecution(jobId: "b", thingName: "t", status: .succeeded)
        try await list("a")
        // A failure and its retry are one notification (D42), and another head: the next attempt.
        _ = try await client.updateJobExecution(jobId: "a", thingName: "t", status: .failed)
        try await list("a")
        try await head("a")
        try await create("c")
        try await list("a", "c")
        // J2 is started while J1 is queued: only the head changes.
        _ = try await client.updateJobExecution(jobId: "c", thingName: "t", status: .inProgress)
        try await head("c")
        _ = try await client.cancelJobExecution(jobId: "c", thingName: "t", force: true)
        try await list("a")
        try await head("a")
        try await client.deleteJobExecution(jobId: "a", thingName: "t", executionNumber: 2)
        try await list()
        try await head(nil)
        await world.end()
    }

    @Test func aJobIsToldOfFromItsBirthToItsEnd() async throws {
        let world = try await JobWorld()
        let client = world.client
        let events = try await client.watch(.job(try JobId("j")))
        try await client.createJob(
            jobId: "j", document: "{}", targets: ["t", "u"],
            configuration: JobConfiguration(
                retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 1)]))
        _ = try await client.startNextPendingJobExecution(thingName: "t", statusDetails: ["a": "b"])
        _ = try await client.updateJobExecution(jobId: "j", thingName: "t", status: .failed)
        let late = await world.refusal { () throws(ErrandError) in
            try await client.updateJobExecution(
                jobId: "j", thingName: "t", status: .succeeded, executionNumber: 1)
        }
        #expect(late == .invalidStateTransition)
        _ = try await client.updateJobExecution(jobId: "j", thingName: "t", status: .succeeded)
        _ = try await client.cancelJobExecution(jobId: "j", thingName: "u")
        _ = try await client.deleteJob(jobId: "j")
        var seen: [String] = []
        var last: UInt64 = events.revision
        for try await event in events {
            #expect(event.revision == last + 1)
            last = event.revision
            seen.append(Self.line(event))
            if case .jobDeleted = event.subject { break }
        }
        #expect(
            seen == [
                "operator job -> IN_PROGRESS", "service t#1v1 -> QUEUED", "service u#1v1 -> QUEUED",
                "device t#1v2 QUEUED -> IN_PROGRESS", "device t#1v3 IN_PROGRESS -> FAILED", "service t#2v1 -> QUEUED",
                "device t#2v2 QUEUED -> SUCCEEDED", "operator u#1v2 QUEUED -> CANCELED",
                "service job IN_PROGRESS -> COMPLETED", "operator job COMPLETED -> DELETION_IN_PROGRESS",
                "operator t#1v3 FAILED deleted", "operator u#1v2 CANCELED deleted", "operator t#2v2 SUCCEEDED deleted",
                "operator job DELETION_IN_PROGRESS gone",
            ])
        await world.end()
    }

    /// `WAT-7`: the job first, then its executions, which every read shows canceled already.
    @Test func aCancelIsToldJobFirst() async throws {
        let world = try await JobWorld()
        let client = world.client
        try await client.createJob(
            jobId: "j", document: "{}", targets: ["t", "u", "v"],
            configuration: JobConfiguration(
                abortCriteria: [
                    AbortCriterion(
                        failureType: .failed, thresholdPercentageHundredths: 1, minNumberOfExecutedThings: 1)
                ]))
        _ = try await client.startNextPendingJobExecution(thingName: "t")
        _ = try await client.startNextPendingJobExecution(thingName: "u")
        let events = try await client.watch(.job(try JobId("j")))
        _ = try await client.updateJobExecution(jobId: "j", thingName: "t", status: .failed)
        _ = try await client.cancelJob(jobId: "j", force: true)
        var seen: [String] = []
        for try await event in events {
            seen.append(Self.line(event))
            if seen.count == 5 { break }
        }
        #expect(
            seen == [
                "device t#1v3 IN_PROGRESS -> FAILED", "service job IN_PROGRESS -> CANCELED",
                "service v#1v2 QUEUED -> CANCELED", "operator job CANCELED -> CANCELED",
                "operator u#1v3 IN_PROGRESS -> CANCELED",
            ])
        await world.end()
    }

    private static func line(_ event: JobExecutionEvent) -> String {
        switch event.subject {
        case .execution(let state):
            let from = state.from.map { "\($0) " } ?? ""
            return
                "\(event.actor) \(state.thingName)#\(state.executionNumber)v\(state.versionNumber) \(from)-> \(state.to)"
        case .executionDeleted(let thingName, let number, let version, _, let from):
            return "\(event.actor) \(thingName)#\(number)v\(version) \(from) deleted"
        case .job(let from, let to): return "\(event.actor) job \(from.map { "\($0) " } ?? "")-> \(to)"
        case .jobDeleted(let from): return "\(event.actor) job \(from) gone"
        }
    }

    // MARK: Cuts

    /// `ERRAND_TEST_CHANGES=100000` runs the whole of issue 3's number.
    private static let changeCount =
        ProcessInfo.processInfo.environment["ERRAND_TEST_CHANGES"].flatMap(Int.init) ?? 4000

    /// 100 watchers of all scopes behind proxies that cut their connections: each gets exactly what it is for, once and
    /// in order. What that is, is told by one watcher of everything whose connection is never cut.
    @Test func watchersBehindRandomCutsMissNothing() async throws {
        let server = try JobExecutionServer.start(
            {
                var c = ServerConfiguration(); c.port = 0; c.loopCount = 2; return c
            }())
        let owner = try await JobExecutionClient.connect(
            host: "127.0.0.1", port: Int(server.port),
            configuration: {
                var c = ClientConfiguration(); c.callTimeout = .seconds(60); return c
            }())
        let jobs = (0..<4).map { "j\($0)" }
        let things = (0..<25).map { "t\($0)" }
        var scopes: [WatchScope] = []
        for index in 0..<100 {
            let (jobId, thingName) = (try JobId(jobs[index % 4]), try ThingName(things[index % 25]))
            switch index % 4 {
            case 0: scopes.append(index < 40 ? .everything : .job(jobId))
            case 1: scopes.append(.job(jobId))
            case 2: scopes.append(.thing(thingName))
            default: scopes.append(.execution(jobId, thingName))
            }
        }
        let reference = Recorder(try await owner.watch(.everything))
        let proxies = try (0..<10).map { _ in try CuttingProxy(to: server.port, cuttingPercentage: 3) }
        var clients: [JobExecutionClient] = []
        for proxy in proxies {
            clients.append(
                try await JobExecutionClient.connect(
                    host: "127.0.0.1", port: Int(proxy.port),
                    configuration: {
                        var c = ClientConfiguration()
                        c.reconnectDelay = .milliseconds(1)
                        c.reconnectDelayMax = .milliseconds(4)
                        c.callTimeout = .seconds(60)
                        return c
                    }()))
        }
        var recorders: [Recorder] = []
        for (index, scope) in scopes.enumerated() {
            recorders.append(Recorder(try await clients[index % 10].watch(scope)))
        }
        for jobId in jobs { try await owner.createJob(jobId: jobId, document: "{}", targets: things) }
        // On until the fault has fired: connections were cut while watches were on them.
        let changeCount = try await Self.change(jobs, things, owner, watched: reference) {
            proxies.reduce(0) { $0 + $1.cutCount } >= 10
        }
        #expect(proxies.reduce(0) { $0 + $1.cutCount } >= 10)
        for jobId in jobs { _ = try await owner.cancelJob(jobId: jobId, force: true) }
        let total = changeCount + 4 * (1 + 25 + 1 + 25)
        #expect(await eventually(within: .seconds(600)) { reference.count >= total })
        let all = reference.events
        #expect(all.count == total)
        #expect(zip(all, all.dropFirst()).allSatisfy { $1.revision == $0.revision + 1 })
        for proxy in proxies { proxy.heal() }
        for (recorder, scope) in zip(recorders, scopes) {
            let expected = all.filter { Self.isFor(scope, $0) }
            _ = await eventually(within: .seconds(120)) { recorder.count >= expected.count || recorder.error != nil }
            #expect(recorder.error == nil)
            #expect(recorder.events == expected, "\(scope)")
        }
        for recorder in recorders + [reference] { recorder.stop() }
        for client in clients + [owner] { client.close() }
        await server.stop()
    }

    /// Reports in batches, never much further ahead than the server keeps events: `changeCount` of them, and on until
    /// `isEnough`, up to a hundred times as many. Returns how many.
    private static func change(
        _ jobs: [String], _ things: [String], _ owner: JobExecutionClient, watched: Recorder, until isEnough: () -> Bool
    ) async throws -> Int {
        var made = 0
        while made < changeCount || (!isEnough() && made < 100 * changeCount) {
            let items = try (0..<250).map { _ in
                UpdateJobExecutionRequest(
                    jobId: try JobId(jobs.randomElement() ?? "j0"),
                    thingName: try ThingName(things.randomElement() ?? "t0"), status: .inProgress,
                    statusDetails: try StatusDetails([(key: "n", value: String(made))]))
            }
            for result in try await owner.updateJobExecutions(items) { _ = try result.get() }
            made += items.count
            let lag = made
            _ = await eventually { watched.count + 5000 > lag }
        }
        return made
    }

    private static func isFor(_ scope: WatchScope, _ event: JobExecutionEvent) -> Bool {
        switch scope {
        case .everything: true
        case .job(let jobId): event.jobId == jobId
        case .thing(let thingName): event.thingName == thingName
        case .execution(let jobId, let thingName): event.jobId == jobId && event.thingName == thingName
        case .queue: false
        }
    }
}

/// Keeps what a watch brings.
private final class Recorder: Sendable {
    private let seen = Mutex<(events: [JobExecutionEvent], error: ErrandError?)>(([], nil))
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ events: JobExecutionEvents) {
        task.withLock { task in
            task = Task { [weak self] in
                do throws(ErrandError) {
                    for try await event in events { self?.seen.withLock { $0.events.append(event) } }
                } catch {
                    self?.seen.withLock { $0.error = error }
                }
            }
        }
    }

    var events: [JobExecutionEvent] { seen.withLock { $0.events } }
    var count: Int { seen.withLock { $0.events.count } }
    var error: ErrandError? { seen.withLock { $0.error } }
    func stop() { task.withLock { $0?.cancel() } }
}
