import ErrandClient
import ErrandCore
import ErrandServer
import ErrandStore
import ErrandTestSupport
import Testing

/// A server whose clock the test moves, and a client of it.
struct JobWorld {
    let server: JobExecutionServer
    let clock = ManualClock(at: 1_700_000_000_000)
    let client: JobExecutionClient

    init(minuteLengthMilliseconds: Int64 = 60_000) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.loopCount = 1
        configuration.minuteLengthMilliseconds = minuteLengthMilliseconds
        let rules = ExecutionRules(minuteLengthMilliseconds: minuteLengthMilliseconds)
        server = try JobExecutionServer.start(
            configuration, store: MemoryExecutionStore(rules: rules),
            clock: ServerClock { [clock] in clock.nowMilliseconds })
        client = try await JobExecutionClient.connect(host: "127.0.0.1", port: Int(server.port))
    }

    func end() async {
        client.close()
        await server.stop()
    }

    /// The code that `body` is refused with.
    func refusal<R>(_ body: () async throws(ErrandError) -> R) async -> StatusCode? {
        do throws(ErrandError) {
            _ = try await body()
            return nil
        } catch {
            return error.code
        }
    }

    /// A job whose counters sum, as they always have to.
    func job(_ id: String) async throws -> Job {
        let job = try await client.describeJob(jobId: id)
        #expect(job.processDetails.total + job.notYetQueuedCount == job.targetCount)
        return job
    }
}

/// Issue 3's operations by the client library over TCP.
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct JobOperationTests {
    @Test func aJobsConfigurationComesBackAndIsChanged() async throws {
        let world = try await JobWorld()
        let client = world.client
        let rate = RolloutConfig.ExponentialRate(
            baseRatePerMinute: 50, incrementFactorTenths: 15, increaseCriterion: .numberOfSucceededThings(10))
        let configuration = JobConfiguration(
            inProgressTimeoutInMinutes: 20,
            retryCriteria: [
                RetryCriterion(failureType: .failed, numberOfRetries: 3),
                RetryCriterion(failureType: .timedOut, numberOfRetries: 2),
            ], rollout: RolloutConfig(maximumPerMinute: 100, exponentialRate: rate),
            abortCriteria: [
                AbortCriterion(
                    failureType: .failed, thresholdPercentageHundredths: 5000, minNumberOfExecutedThings: 4)
            ])
        try await client.createJob(
            jobId: "j", document: #"{"x":1}"#, targets: ["t"], description: "d", configuration: configuration)
        #expect(try await world.job("j").configuration == configuration)
        #expect(try await client.getJobDocument(jobId: "j") == #"{"x":1}"#)
        let changed = try await client.updateJob(
            jobId: "j", description: "e", inProgressTimeoutInMinutes: 30, rollout: RolloutConfig(maximumPerMinute: 7),
            abortCriteria: [], endsRetries: true)
        #expect(changed.description == "e" && changed.inProgressTimeoutInMinutes == 30)
        #expect(changed.configuration.rollout == RolloutConfig(maximumPerMinute: 7))
        #expect(changed.configuration.abortCriteria.isEmpty)
        #expect(try await world.job("j") == changed)
        let tooFast = RolloutConfig(maximumPerMinute: 1001)
        #expect(
            await world.refusal { () throws(ErrandError) in try await client.updateJob(jobId: "j", rollout: tooFast) }
                == .invalidRequest)
        #expect(
            await world.refusal { () throws(ErrandError) in try await client.getJobDocument(jobId: "k") } == .notFound)
        await world.end()
    }

    @Test func jobsAreCanceledListedAndDeleted() async throws {
        let world = try await JobWorld()
        let client = world.client
        for index in 0..<300 { try await client.createJob(jobId: "j\(index)", document: "{}", targets: ["t"]) }
        try await client.createJob(jobId: "two", document: "{}", targets: ["a", "b"])
        _ = try await client.startNextPendingJobExecution(thingName: "a")
        let gentle = try await client.cancelJob(jobId: "two", reasonCode: "RECALLED", comment: "bricks ü")
        #expect(gentle.status == .canceled && gentle.reasonCode == "RECALLED" && gentle.comment == "bricks ü")
        #expect(!gentle.forceCanceled)
        #expect(gentle.processDetails[.inProgress] == 1 && gentle.processDetails[.canceled] == 1)
        let forced = try await client.cancelJob(jobId: "two", force: true)
        #expect(forced.forceCanceled && forced.processDetails[.canceled] == 2)
        #expect(
            await world.refusal { () throws(ErrandError) in
                try await client.cancelJob(jobId: "two", reasonCode: "no spaces")
            } == .invalidRequest)

        var ids: [String] = []
        for try await job in client.jobs() { ids.append(job.jobId.description) }
        #expect(ids == (0..<300).map { "j\($0)" } + ["two"])
        let canceled = try await client.listJobs(status: .canceled)
        #expect(canceled.jobs.map(\.jobId.description) == ["two"] && canceled.nextToken == nil)
        #expect(try await client.listJobs(maxResults: 2).nextToken != nil)

        #expect(
            await world.refusal { () throws(ErrandError) in try await client.deleteJob(jobId: "j0") }
                == .invalidStateTransition)
        try await client.deleteJob(jobId: "j0", force: true)
        try await client.deleteJob(jobId: "two")
        #expect(
            await world.refusal { () throws(ErrandError) in try await client.describeJob(jobId: "two") } == .notFound)
        try await client.createJob(jobId: "two", document: "[]", targets: ["c"])
        #expect(try await world.job("two").status == .inProgress)
        await world.end()
    }

    @Test func anyNumberOfThingsIsRemovedFromAJob() async throws {
        let world = try await JobWorld()
        let client = world.client
        let things = (0..<30_000).map { "thing-with-a-long-name-\($0)" }
        try await client.createJob(jobId: "j", document: "{}", targets: things)
        #expect(try await eventually { try await world.job("j").notYetQueuedCount == 0 })
        #expect(try await client.removeJobTargets(jobId: "j", targets: things.dropLast() + ["stranger"]) == 29_999)
        let job = try await world.job("j")
        #expect(job.processDetails[.removed] == 29_999 && job.processDetails[.queued] == 1)
        #expect(try await client.removeJobTargets(jobId: "j", targets: [things[0]]) == 0)
        #expect(
            await world.refusal { () throws(ErrandError) in
                try await client.removeJobTargets(jobId: "j", targets: [])
            } == .invalidRequest)
        await world.end()
    }

    @Test func anExecutionsHistoryTellsEverythingAndItGoesWithIt() async throws {
        let world = try await JobWorld()
        let client = world.client
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"])
        _ = try await client.startNextPendingJobExecution(thingName: "t", statusDetails: ["a": "1"])
        #expect(
            await world.refusal { () throws(ErrandError) in
                try await client.deleteJobExecution(jobId: "j", thingName: "t", executionNumber: 1)
            } == .invalidStateTransition)
        _ = try await client.cancelJobExecution(jobId: "j", thingName: "t", force: true)
        #expect(
            await world.refusal { () throws(ErrandError) in
                try await client.updateJobExecution(jobId: "j", thingName: "t", status: .succeeded)
            } == .invalidStateTransition)
        var entries: [JobExecutionHistoryEntry] = []
        for try await entry in try client.jobExecutionHistory(jobId: "j", thingName: "t") { entries.append(entry) }
        #expect(entries.map(\.fromStatus) == [nil, .queued, .inProgress, .canceled])
        #expect(entries.map(\.toStatus) == [.queued, .inProgress, .canceled, .succeeded])
        #expect(entries.map(\.actor) == [.service, .device, .fleetOperator, .device])
        #expect(entries.map(\.kind) == [.change, .change, .change, .refusedReport])
        #expect(entries.map(\.versionNumber) == [1, 2, 3, 3] && entries[1].statusDetails["a"] == "1")
        let page = try await client.getJobExecutionHistory(jobId: "j", thingName: "t", maxResults: 3)
        #expect(page.entries == Array(entries.prefix(3)) && page.droppedCount == 0)
        let rest = try await client.getJobExecutionHistory(jobId: "j", thingName: "t", nextToken: page.nextToken)
        #expect(rest.entries == Array(entries.suffix(1)) && rest.nextToken == nil)
        try await client.deleteJobExecution(jobId: "j", thingName: "t", executionNumber: 1)
        #expect(
            await world.refusal { () throws(ErrandError) in
                try await client.getJobExecutionHistory(jobId: "j", thingName: "t")
            } == .notFound)
        await world.end()
    }
}
