import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct PipeliningTests {
    /// Each update expects the version that the one before it leaves: any other order would be refused. The client's
    /// loop runs the tasks in the order they were added, and nobody waits for a reply before the next call is made.
    @Test(arguments: [1, 3])
    func aThousandUpdatesToFiftyExecutionsApplyInSendOrder(connectionCount: Int) async throws {
        let server = try startServer()
        let client = try await connect(server.port) { $0.connectionCount = connectionCount }
        let things = (0..<50).map { "thing-\($0)" }
        try await client.createJob(jobId: "order", document: "{}", targets: things)
        let replies = try await withTaskExecutorPreference(client.executor) {
            try await withThrowingTaskGroup(of: (Int, Int64).self) { group in
                for number in 0..<1000 {
                    let name = things[number % 50]
                    let expected = Int64(number / 50 + 1)
                    group.addTask {
                        let change = try await client.updateJobExecution(
                            jobId: "order", thingName: name, status: .inProgress,
                            statusDetails: ["number": "\(number)"], expectedVersion: expected)
                        return (number, change.versionNumber)
                    }
                }
                var replies: [Int: Int64] = [:]
                for try await (number, version) in group { replies[number] = version }
                return replies
            }
        }
        #expect(replies.count == 1000)
        #expect(replies.allSatisfy { number, version in version == Int64(number / 50 + 2) })
        for (index, name) in things.enumerated() {
            let execution = try await client.describeJobExecution(jobId: "order", thingName: name)
            #expect(execution.versionNumber == 21)
            #expect(execution.statusDetails == (try StatusDetails([(key: "number", value: "\(950 + index)")])))
        }
        client.close()
        await server.stop()
    }

    @Test func twoHundredFiftySixTasksOnOneClientEachGetTheirOwnReplies() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let things = (0..<256).map { "thing-\($0)" }
        try await client.createJob(jobId: "tasks", document: "{}", targets: things)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in things {
                group.addTask {
                    for version in Int64(1)...10 {
                        let change = try await client.updateJobExecution(
                            jobId: "tasks", thingName: name, status: .inProgress, expectedVersion: version)
                        #expect(change.versionNumber == version + 1)
                        let seen = try await client.describeJobExecution(jobId: "tasks", thingName: name)
                        #expect(seen.thingName == name && seen.versionNumber == version + 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        client.close()
        await server.stop()
    }

    /// A window of two: the others wait their turn, and all are served.
    @Test func callsBeyondTheWindowWaitAndProceed() async throws {
        let server = try startServer { $0.callsInFlightMax = 2 }
        let client = try await connect(server.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<500 { group.addTask { _ = try await client.health() } }
            try await group.waitForAll()
        }
        client.close()
        await server.stop()
    }

    @Test func tooManyWaitingCallsAreRefused() async throws {
        let listener = try fakeServer { peer in while true { _ = try peer.next() } }
        let client = try await connect(listener.port) {
            $0.waitingCallCountMax = 0
            $0.callTimeout = .milliseconds(200)
        }
        async let first = failure { () throws(ErrandError) in try await client.health() }
        #expect(await first?.code == .deadlineExceeded)
        client.close()
    }

    @Test func theExecutorRunsItsTasks() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let count = try await withTaskExecutorPreference(client.executor) { () async throws -> Int in
            var count = 0
            for _ in 0..<500 {
                _ = try await client.health()
                count += 1
            }
            // Closing from the loop itself must not strand this task.
            client.close()
            await Task.yield()
            return count
        }
        #expect(count == 500)
        await server.stop()
    }
}
