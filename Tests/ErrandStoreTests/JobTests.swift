import ErrandCore
import ErrandStore
import Testing

/// SPEC §9.3 to §9.5: creating, staging, counting and completing jobs.
@Suite(.timeLimit(.minutes(1)))
struct JobTests {
    @Test(arguments: StoreUnderTest.allCases)
    func jobExistsAndIsQueuedWhenItsCallIsAnswered(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let receipt = try store.create("j", on: ["a", "b"], timeout: 5, at: 3).receipt
        #expect(receipt == JobTargetsReceipt(targetsReceived: 2, isComplete: true))
        let job = try #require(try store.job("j", at: 4))
        #expect(job.status == .inProgress && job.createdAtMilliseconds == 3 && job.completedAtMilliseconds == nil)
        #expect(job.targetCount == 2 && job.notYetQueuedCount == 0 && job.processDetails[.queued] == 2)
        #expect(job.inProgressTimeoutInMinutes == 5)
        #expect(store.store.counts == StoreCounts(jobCount: 1, executionCount: 2))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func thingNamedTwiceCountsOnce(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b", "a", "a"])
        let job = try #require(try store.job("j", at: 0))
        #expect(job.targetCount == 2 && job.processDetails[.queued] == 2 && job.notYetQueuedCount == 0)
        try store.update("j", "a", .succeeded, at: 1)
        try store.cancel("j", "b", at: 2)
        #expect(try store.job("j", at: 3)?.status == .completed)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func sameContentAgainSucceedsAndOtherContentIsRefused(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let request = try self.request("j", ["a", "b"])
        let first = store.outcome(of: .createJob(request), at: 0).receipt
        try store.update("j", "a", .inProgress, at: 1)
        #expect(store.outcome(of: .createJob(request), at: 2).receipt == first)
        #expect(try store.execution("j", "a", at: 3).record.versionNumber == 2)
        #expect(store.store.counts == StoreCounts(jobCount: 1, executionCount: 2))
        let others = [
            change(request) { $0.document = "[]" }, change(request) { $0.description = nil },
            change(request) { $0.inProgressTimeoutInMinutes = 2 }, change(request) { $0.targets.reverse() },
            change(request) { $0.targetCount = 3 },
        ]
        for other in others {
            #expect(store.outcome(of: .createJob(other), at: 4).refusal?.code == .alreadyExists)
        }
        #expect(try store.job("j", at: 5)?.lastUpdatedAtMilliseconds == 0)
    }

    // MARK: Staging

    @Test(arguments: StoreUnderTest.allCases)
    func stagedJobIsInvisibleUntilComplete(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let staged = change(try request("j", ["a"])) { $0.targetCount = 3 }
        #expect(store.outcome(of: .createJob(staged), at: 0).receipt == receipt(1, false))
        #expect(try store.job("j", at: 1) == nil)
        #expect(try store.listForJob("j", at: 1).refusal?.code == .notFound)
        #expect(try store.describe("j", "a", at: 1).refusal?.code == .notFound)
        #expect(try store.startNext("a", at: 1).isEmpty)
        #expect(store.store.counts == StoreCounts(jobCount: 0, executionCount: 0))
        #expect(try add(store, "j", 1, ["b"], at: 2).receipt == receipt(2, false))
        #expect(try add(store, "j", 2, ["c"], at: 3).receipt == receipt(3, true))
        #expect(try store.job("j", at: 4)?.createdAtMilliseconds == 3)
        #expect(try store.job("j", at: 4)?.processDetails[.queued] == 3)
        #expect(try store.execution("j", "a", at: 4).record.queuedAtMilliseconds == 3)
        // All of it again, as after lost replies.
        #expect(store.outcome(of: .createJob(staged), at: 5).receipt == receipt(3, true))
        #expect(try add(store, "j", 1, ["b"], at: 5).receipt == receipt(3, true))
        #expect(store.store.counts == StoreCounts(jobCount: 1, executionCount: 3))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func addedTargetsFollowTheOffsetRules(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        #expect(try add(store, "j", 0, ["a"], at: 0).refusal?.code == .notFound)
        let staged = change(try request("j", [])) { $0.targetCount = 4 }
        #expect(store.outcome(of: .createJob(staged), at: 0).receipt == receipt(0, false))
        #expect(try add(store, "j", 0, ["a", "b"], at: 0).receipt == receipt(2, false))
        #expect(try add(store, "j", 3, ["d"], at: 0).refusal?.code == .failedPrecondition)
        #expect(try add(store, "j", 0, ["a", "x"], at: 0).refusal?.code == .alreadyExists)
        #expect(try add(store, "j", 2, ["c", "d", "e"], at: 0).refusal?.code == .invalidRequest)
        #expect(try add(store, "j", .max, ["d"], at: 0).refusal?.code == .invalidRequest)
        #expect(try add(store, "j", 1, ["x", "c"], at: 0).refusal?.code == .alreadyExists)
        #expect(try add(store, "j", 0, ["a", "b"], at: 0).receipt == receipt(2, false))
        // Partly known: the known part is compared, the rest is new.
        #expect(try add(store, "j", 1, ["b", "c"], at: 0).receipt == receipt(3, false))
        let four = try ["a", "b", "c", "d"].map { try ThingName($0) }
        let moreThanReceived = change(staged) { $0.targets = four }
        #expect(store.outcome(of: .createJob(moreThanReceived), at: 0).refusal?.code == .alreadyExists)
        #expect(try add(store, "j", 3, ["a"], at: 0).receipt == receipt(4, true))
        #expect(try add(store, "j", 3, ["d"], at: 0).refusal?.code == .alreadyExists)
        #expect(try store.job("j", at: 0)?.targetCount == 3)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func stagedJobIsDroppedAfterTenMinutesWithoutProgress(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let staged = change(try request("j", ["a"])) { $0.targetCount = 3 }
        _ = store.outcome(of: .createJob(staged), at: 0)
        #expect(store.store.advance(to: 0, limit: 10).nextDueMilliseconds == 600_000)
        #expect(try add(store, "j", 1, ["b"], at: 300_000).receipt == receipt(2, false))
        // Repeats are no progress.
        #expect(try add(store, "j", 1, ["b"], at: 500_000).receipt == receipt(2, false))
        #expect(store.store.advance(to: 600_000, limit: 10).nextDueMilliseconds == 900_000)
        #expect(try add(store, "j", 0, ["a"], at: 899_999).receipt == receipt(2, false))
        #expect(store.store.advance(to: 900_000, limit: 10).nextDueMilliseconds == nil)
        #expect(try add(store, "j", 2, ["c"], at: 900_001).refusal?.code == .notFound)
        let other = change(staged) { $0.document = "[]" }
        #expect(store.outcome(of: .createJob(other), at: 900_002).receipt == receipt(1, false))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func abandonedJobIsGoneThoughNobodyAdvanced(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let staged = change(try request("j", ["a"])) { $0.targetCount = 2 }
        _ = store.outcome(of: .createJob(staged), at: 0)
        #expect(try add(store, "j", 1, ["b"], at: 600_000).refusal?.code == .notFound)
        try store.create("j", on: ["q"], at: 600_001)
        #expect(store.store.advance(to: 600_002, limit: 10).nextDueMilliseconds == nil)
        #expect(try store.job("j", at: 600_003)?.targetCount == 1)
    }

    // MARK: Large jobs

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func largeJobIsQueuedBitByBitAndAlwaysSums(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<10_000).map { "t\($0 % 9000)" }
        try store.create("j", on: things, at: 1)
        var job = try #require(try store.job("j", at: 1))
        #expect(job.targetCount == 9000 && job.processDetails[.queued] == 4096 && job.notYetQueuedCount == 4904)
        for thing in things.prefix(4096) { try store.cancel("j", thing, at: 2) }
        #expect(try store.job("j", at: 2)?.status == .inProgress)
        var rounds = 0
        while let due = store.store.advance(to: 3, limit: 1000).nextDueMilliseconds {
            #expect(due <= 3)
            job = try #require(try store.job("j", at: 3))
            #expect(job.processDetails.total + job.notYetQueuedCount == job.targetCount)
            rounds += 1
            #expect(rounds < 20)
        }
        job = try #require(try store.job("j", at: 3))
        #expect(job.targetCount == 9000 && job.notYetQueuedCount == 0 && job.processDetails[.queued] == 4904)
        for thing in things[4096..<9000] { try store.update("j", thing, .succeeded, at: 4) }
        #expect(try store.job("j", at: 5)?.status == .completed)
        #expect(try store.job("j", at: 5)?.completedAtMilliseconds == 4)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func duplicatesAtTheEndOfTheTargetsKeepNoJobOpen(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let unique = (0..<4096).map { "t\($0)" }
        try store.create("j", on: unique + ["t0", "t1"])
        for thing in unique { try store.update("j", thing, .succeeded, at: 1) }
        #expect(store.store.advance(to: 3, limit: 100).nextDueMilliseconds == nil)
        let job = try #require(try store.job("j", at: 4))
        #expect(job.status == .completed && job.completedAtMilliseconds == 1 && job.targetCount == 4096)
    }

    private func receipt(_ count: UInt32, _ isComplete: Bool) -> JobTargetsReceipt {
        JobTargetsReceipt(targetsReceived: count, isComplete: isComplete)
    }

    private func request(_ jobId: String, _ things: [String]) throws -> CreateJobRequest {
        CreateJobRequest(
            jobId: try JobId(jobId), document: "{}", description: "about it", inProgressTimeoutInMinutes: 1,
            targetCount: UInt32(things.count), targets: try things.map { try ThingName($0) })
    }

    private func change(
        _ request: CreateJobRequest, _ body: (inout CreateJobRequest) -> Void
    ) -> CreateJobRequest {
        var request = request
        body(&request)
        return request
    }

    private func add(
        _ store: StoreDriver, _ jobId: String, _ offset: UInt32, _ things: [String], at now: Int64
    ) throws -> StoreOutcome {
        let request = AddJobTargetsRequest(
            jobId: try JobId(jobId), targetOffset: offset, targets: try things.map { try ThingName($0) })
        return store.outcome(of: .addJobTargets(request), at: now)
    }
}
