import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import Testing

@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct BatchAndListTests {
    @Test func aJobOfTwoHundredThousandTargetsAppearsWhole() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let watcher = try await connect(server.port)
        let targets = (0..<200_000).map { "thing-\($0)" }
        let creating = Task(executorPreference: ThreadExecutor.shared) {
            try await client.createJob(jobId: "large", document: "{}", targets: targets, timeout: .seconds(60))
        }
        var seenBefore = 0
        while true {
            let next = try await watcher.startNextPendingJobExecution(thingName: "thing-0")
            // Invisible, or whole: never a part of it.
            if let job = try? await watcher.describeJob(jobId: "large") {
                #expect(job.targetCount == 200_000)
                break
            }
            #expect(next == nil)
            seenBefore += 1
            if seenBefore > 1_000_000 { break }
        }
        try await creating.value
        #expect(seenBefore > 0)
        // Again, whole: nothing changes.
        try await client.createJob(jobId: "large", document: "{}", targets: targets, timeout: .seconds(60))
        #expect(try await client.serverInfo().executionCount <= 200_000)
        let error = await failure { () throws(ErrandError) in
            try await client.createJob(jobId: "large", document: "[]", targets: targets, timeout: .seconds(60))
        }
        #expect(error?.code == .alreadyExists && error?.applied == .no)
        client.close()
        watcher.close()
        await server.stop()
    }

    @Test func aBatchOfAThousandItemsIsSplitAndStaysInOrder() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let things = (0..<1000).map { "thing-\($0)" }
        try await client.createJob(jobId: "batch", document: "{}", targets: things)
        let updates = try things.map {
            UpdateJobExecutionRequest(jobId: try JobId("batch"), thingName: try ThingName($0), status: .inProgress)
        }
        let changed = try await client.updateJobExecutions(updates)
        #expect(changed.count == 1000)
        #expect(try changed.allSatisfy { try $0.get().versionNumber == 2 })
        let cancels = try things.enumerated().map { index, name in
            CancelJobExecutionRequest(
                jobId: try JobId("batch"), thingName: try ThingName(name), force: index % 2 == 0)
        }
        let canceled = try await client.cancelJobExecutions(cancels)
        for (index, result) in canceled.enumerated() {
            switch result {
            case .success(let change): #expect(index % 2 == 0 && change.status == .canceled)
            case .failure(let error): #expect(index % 2 == 1 && error.code == .invalidStateTransition)
            }
        }
        client.close()
        await server.stop()
    }

    /// Details so long that no segment holds them all: the client asks again for what the server cut.
    @Test func aDescribeBatchThatOverflowsIsCompleted() async throws {
        let server = try startServer()
        let client = try await connect(server.port)
        let things = (0..<200).map { "thing-\($0)" }
        try await client.createJob(jobId: "wide", document: "{}", targets: things)
        let details = Dictionary(
            uniqueKeysWithValues: (0..<4).map { ("key-\($0)", String(repeating: "é", count: 1000)) })
        for name in things {
            _ = try await client.updateJobExecution(
                jobId: "wide", thingName: name, status: .inProgress, statusDetails: details)
        }
        let requests = try things.map {
            DescribeJobExecutionRequest(jobId: try JobId("wide"), thingName: try ThingName($0))
        }
        let results = try await client.describeJobExecutions(requests)
        #expect(results.count == 200)
        for (name, result) in zip(things, results) {
            let execution = try result.get()
            #expect(execution.thingName == name && execution.statusDetails.count == 4)
        }
        client.close()
        await server.stop()
    }

    @Test func aSequencePagesThroughTenThousandExecutions() async throws {
        let server = try startServer()
        let client = try await connect(server.port) { $0.compression = .on }
        try await client.createJob(jobId: "pages", document: "{}", targets: (0..<10_000).map { "thing-\($0)" })
        var seen: Set<String> = []
        for try await execution in try client.jobExecutions(jobId: "pages") { seen.insert("\(execution.thingName)") }
        #expect(seen.count == 10_000)
        let counts = await client.byteCounts()
        #expect(counts.received < counts.rawReceived)
        client.close()
        await server.stop()
    }
}
