import ErrandClient
import ErrandCore
import ErrandTestSupport
import Foundation
import Glibc
import Synchronization
import Testing

/// The real server is killed at random moments under 64 clients, and started again on the same directory. What the clients
/// know of each execution leaves two states at most: as it was last acknowledged, or with the one report that was not
/// answered. Anything else was lost, applied twice, or never sent.
@Suite("Kill", .ownThreads, .timeLimit(.minutes(15)))
struct KillTests {
    private static let clientCount = 64
    private static let thingsPerClient = 4
    private static let roundCount = Int(ProcessInfo.processInfo.environment["ERRAND_TEST_KILLS"] ?? "") ?? 50

    private static let jobId = (try? JobId("kill")) ?? JobId()

    /// What one thing's only reporter knows.
    struct Knowledge {
        let thing: ThingName
        var version: Int64 = 1
        var marker = 0
        /// Sent, and not answered.
        var pending: (marker: Int, key: IdempotencyKey)?
    }

    @Test func whatWasAcknowledgedSurvivesAndNothingHappensTwice() async throws {
        let directory = FileManager.default.temporaryDirectory.path() + "errand-kill-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var fleet = try (0..<Self.clientCount).map { client in
            try (0..<Self.thingsPerClient).map { Knowledge(thing: try ThingName("t\(client)-\($0)")) }
        }
        var acknowledgedCount = 0
        var roundsWithUnanswered = 0
        for round in 0...Self.roundCount {
            let server = try Command(["serve", "--listen", "127.0.0.1:0", "--data", directory, "--log-level", "error"])
            let line = await server.line()
            let port = try #require(Int(line.split(separator: ":").last ?? ""), "round \(round): \(line)")
            if round == 0 { try await createJob(on: fleet.joined().map(\.thing.description), port) }
            for index in fleet.indices {
                fleet[index] = try await look(at: fleet[index], port, "round \(round)")
            }
            if round == Self.roundCount {
                server.send(SIGTERM)
                #expect(await server.waitForEnd().status == 0)
                break
            }
            let traffic = Traffic(limit: Int.random(in: 200...4000)) { server.send(SIGKILL) }
            fleet = await report(fleet, port, traffic)
            #expect(await server.waitForEnd().status == -SIGKILL)
            acknowledgedCount += traffic.count
            if fleet.joined().contains(where: { $0.pending != nil }) { roundsWithUnanswered += 1 }
        }
        print("kill: \(Self.roundCount) rounds, \(acknowledgedCount) changes acknowledged")
        // The kills hit while calls were under way, or they show nothing.
        #expect(roundsWithUnanswered > Self.roundCount / 2 && acknowledgedCount > 200 * Self.roundCount)
    }

    private func connect(_ port: Int) async throws -> JobExecutionClient {
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .seconds(30)
        configuration.callTimeout = .seconds(60)
        return try await JobExecutionClient.connect(host: "127.0.0.1", port: port, configuration: configuration)
    }

    private func createJob(on things: [String], _ port: Int) async throws {
        let client = try await connect(port)
        defer { client.close() }
        try await client.createJob(jobId: "kill", document: "{}", targets: things)
    }

    /// Compares what is there with what was acknowledged, and sends again what was not answered.
    private func look(at things: [Knowledge], _ port: Int, _ label: Comment) async throws -> [Knowledge] {
        let client = try await connect(port)
        defer { client.close() }
        var settled: [Knowledge] = []
        for var known in things {
            let found = try await client.describeJobExecution(jobId: "kill", thingName: known.thing.description)
            let marker = Int(found.statusDetails["n"] ?? "0")
            var states = [(known.version, known.marker)]
            if let pending = known.pending { states.append((known.version + 1, pending.marker)) }
            #expect(states.contains { $0.0 == found.versionNumber && $0.1 == marker }, label)
            if let pending = known.pending {
                // Whether it was applied before the kill or is now, there is one change of it.
                let change = try await report(client, known.thing, pending)
                #expect(change.versionNumber == known.version + 1, label)
                known.version = change.versionNumber
                known.marker = pending.marker
                known.pending = nil
                let now = try await client.describeJobExecution(jobId: "kill", thingName: known.thing.description)
                #expect(now.versionNumber == known.version && now.statusDetails["n"] == "\(known.marker)", label)
            }
            settled.append(known)
        }
        return settled
    }

    private func report(
        _ client: JobExecutionClient, _ thing: ThingName, _ pending: (marker: Int, key: IdempotencyKey)
    ) async throws(ErrandError) -> JobExecutionChange {
        let details = try? StatusDetails([(key: "n", value: "\(pending.marker)")])
        var request = UpdateJobExecutionRequest(
            jobId: Self.jobId, thingName: thing, status: .inProgress, statusDetails: details)
        request.idempotencyKey = pending.key
        return try await client.updateJobExecution(request)
    }

    /// All things report at once, each again and again, until the server is gone.
    private func report(_ fleet: [[Knowledge]], _ port: Int, _ traffic: Traffic) async -> [[Knowledge]] {
        await withTaskGroup(of: (Int, [Knowledge]).self) { group in
            for (index, things) in fleet.enumerated() {
                group.addTask {
                    // The server may be gone before this client has come.
                    guard let client = try? await connect(port) else { return (index, things) }
                    traffic.closesAtEnd(client)
                    let after = await withTaskGroup(of: (Int, Knowledge).self) { group in
                        for (place, known) in things.enumerated() {
                            group.addTask { (place, await report(known, client, traffic)) }
                        }
                        var after = things
                        for await (place, known) in group { after[place] = known }
                        return after
                    }
                    return (index, after)
                }
            }
            var after = fleet
            for await (index, things) in group { after[index] = things }
            return after
        }
    }

    private func report(_ known: Knowledge, _ client: JobExecutionClient, _ traffic: Traffic) async -> Knowledge {
        var known = known
        while true {
            let pending = (marker: known.marker + 1, key: IdempotencyKey.random())
            known.pending = pending
            do throws(ErrandError) {
                let change = try await report(client, known.thing, pending)
                known.version = change.versionNumber
                known.marker = pending.marker
                known.pending = nil
                traffic.acknowledged()
            } catch {
                return known
            }
        }
    }
}

/// Counts what is acknowledged, and ends the server in the middle of it.
private final class Traffic: Sendable {
    private struct State {
        var count = 0
        var isOver = false
        var clients: [JobExecutionClient] = []
    }

    private let state = Mutex(State())
    private let limit: Int
    private let end: @Sendable () -> Void

    init(limit: Int, end: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.end = end
    }

    var count: Int { state.withLock { $0.count } }

    /// A client that would wait for the server to come back is told that it does not.
    func closesAtEnd(_ client: JobExecutionClient) {
        let isOver = state.withLock { state in
            state.clients.append(client)
            return state.isOver
        }
        if isOver { client.close() }
    }

    func acknowledged() {
        let clients = state.withLock { state -> [JobExecutionClient]? in
            state.count += 1
            guard state.count == limit else { return nil }
            state.isOver = true
            return state.clients
        }
        guard let clients else { return }
        end()
        for client in clients { client.close() }
    }
}
