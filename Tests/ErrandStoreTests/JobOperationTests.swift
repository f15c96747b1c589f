import ErrandCore
import ErrandStore
import Testing

/// SEMANTICS 1.15 to 1.17 and their decisions.
@Suite(.timeLimit(.minutes(1)))
struct JobOperationTests {
    @Test(arguments: StoreUnderTest.allCases)
    func d24CancelOfACanceledJobSweepsStragglersOnlyWithForce(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b", "c"])
        try store.update("j", "a", .inProgress, at: 1)
        let job = try #require(try store.cancelJob("j", reason: "WHY", at: 2).job)
        #expect(job.status == .canceled && job.reasonCode == "WHY" && !job.forceCanceled)
        #expect(job.processDetails[.canceled] == 2 && job.processDetails[.inProgress] == 1)
        // D39
        #expect(try store.cancelJob("j", reason: "OTHER", at: 3).job == job)
        try store.update("j", "a", .inProgress, at: 4)
        let forced = try #require(try store.cancelJob("j", force: true, at: 5).job)
        #expect(forced.processDetails[.canceled] == 3 && forced.forceCanceled && forced.reasonCode == "WHY")
        #expect(try store.execution("j", "a", at: 6).record.forceCanceled)
        #expect(try !store.execution("j", "b", at: 6).record.forceCanceled)
        #expect(try store.cancelJob("j", force: true, at: 7).job == forced)
        try store.create("done", on: ["a"])
        try store.update("done", "a", .succeeded, at: 8)
        #expect(try store.cancelJob("done", force: true, at: 9).refusal?.code == .invalidStateTransition)
        #expect(try store.cancelJob("none", at: 9).refusal?.code == .notFound)
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func d22LargeCancelIsVisibleAtOnce(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<9000).map { "t\($0)" }
        try store.create("j", on: things)
        store.advanceAll(to: 0)
        try store.update("j", "t8999", .inProgress, at: 1)
        let job = try #require(try store.cancelJob("j", force: true, at: 2).job)
        #expect(job.processDetails[.canceled] == 9000 && job.targetCount == 9000)
        for thing in ["t0", "t8998", "t8999"] {
            #expect(try store.update("j", thing, .succeeded, at: 3).refusal?.executionState?.status == .canceled)
            let record = try store.execution("j", thing, at: 4).record
            #expect(record.lastUpdatedAtMilliseconds == 2 && record.forceCanceled)
            #expect(try store.startNext(thing, at: 4).isEmpty)
            #expect(try store.pending(thing, at: 4).pending?.totalCount == 0)
        }
        #expect(try store.summedJob("j", at: 5) == job)
        store.advanceAll(to: 6)
        #expect(try store.summedJob("j", at: 7) == job)
        #expect(try store.history("j", "t8997", at: 8).entries.map(\.toStatus) == [.queued, .canceled])
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func d40AndD32DeletedJobIsGoneAtOnceAndItsIdIsFree(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<9000).map { "t\($0)" }
        try store.create("j", on: things)
        store.advanceAll(to: 0)
        #expect(try store.deleteJob("j", at: 1).refusal?.code == .invalidStateTransition)
        let key = IdempotencyKey(high: 1, low: 2)
        #expect(try store.deleteJob("j", force: true, key: key, at: 2).deletionIsComplete == false)
        #expect(try store.summedJob("j", at: 3).status == .deletionInProgress)
        #expect(try store.summedJob("j", at: 3).targetCount == 0)
        #expect(try store.describe("j", "t8999", at: 3).refusal?.code == .notFound)
        #expect(try store.startNext("t8999", at: 3).isEmpty)
        #expect(try store.listForThing("t8999", at: 3).page?.executions.isEmpty == true)
        #expect(try store.listForJob("j", at: 3).page?.executions.isEmpty == true)
        #expect(try store.create("j", on: things, at: 3).refusal?.code == .alreadyExists)
        #expect(try store.cancelJob("j", at: 3).refusal?.code == .invalidStateTransition)
        store.advanceAll(to: 4)
        #expect(try store.job("j", at: 5) == nil)
        #expect(store.store.counts == StoreCounts(jobCount: 0, executionCount: 0))
        #expect(try store.deleteJob("j", force: true, key: key, at: 5).deletionIsComplete == false)
        try store.create("j", on: ["t1"], at: 6)
        #expect(try store.execution("j", "t1", at: 7).record.executionNumber == 1)
        #expect(try store.deleteJob("j", force: true, at: 8).deletionIsComplete == true)
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func noMoreThanTenJobsAreDeletedAtOnce(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<4100).map { "t\($0)" }
        for number in 0..<11 { try store.create("j\(number)", on: things) }
        store.advanceAll(to: 0)
        for number in 0..<10 { #expect(try store.deleteJob("j\(number)", force: true, at: 1).refusal == nil) }
        #expect(try store.deleteJob("j10", force: true, at: 2).refusal?.code == .limitExceeded)
        store.advanceAll(to: 3)
        #expect(try store.deleteJob("j10", force: true, at: 4).refusal == nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d31AndD8RemovedTargetsEndAndTheJobCompletes(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let retry = RetryCriterion(failureType: .failed, numberOfRetries: 3)
        try store.create("j", on: ["a", "b", "c"], JobConfiguration(retryCriteria: [retry]))
        try store.update("j", "a", .failed, at: 1)
        try store.update("j", "b", .inProgress, at: 1)
        try store.update("j", "c", .succeeded, at: 1)
        #expect(try store.removeTargets("j", ["a", "b", "c", "x"], at: 2).removedCount == 2)
        let job = try store.summedJob("j", at: 3)
        #expect(job.status == .completed && job.processDetails[.removed] == 2)
        #expect(job.attemptDetails[.failed] == 1 && job.attemptDetails.total == 4)
        #expect(try store.execution("j", "a", at: 4).record.executionNumber == 2)
        #expect(try store.update("j", "b", .failed, at: 4).refusal?.executionState?.status == .removed)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d10AndD11AndD33DeletedExecutionsLeaveEveryCount(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let retry = RetryCriterion(failureType: .all, numberOfRetries: 3)
        try store.create("j", on: ["a", "b"], JobConfiguration(retryCriteria: [retry]))
        try store.update("j", "a", .failed, at: 1)
        #expect(try store.deleteExecution("j", "a", 1, at: 2).isExecutionDeleted)
        try store.update("j", "a", .failed, at: 3)
        #expect(try store.execution("j", "a", at: 4).record.executionNumber == 3)
        #expect(try store.deleteExecution("j", "a", 3, at: 5).isExecutionDeleted)
        var job = try store.summedJob("j", at: 6)
        #expect(job.processDetails[.failed] == 1 && job.processDetails[.queued] == 1)
        #expect(job.attemptDetails.total == 2)
        #expect(try store.describe("j", "a", number: 3, at: 7).refusal?.code == .notFound)
        #expect(try store.deleteExecution("j", "a", 2, at: 7).isExecutionDeleted)
        job = try store.summedJob("j", at: 8)
        #expect(job.targetCount == 1 && job.status == .inProgress)
        // A job with zero executions left is complete.
        #expect(try store.deleteExecution("j", "b", 1, at: 9).isExecutionDeleted)
        job = try store.summedJob("j", at: 10)
        #expect(job.targetCount == 0 && job.status == .completed)
        #expect(try store.listForJob("j", at: 10).page?.executions.isEmpty == true)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d17ChangedTimeoutCountsForLaterStarts(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b"], timeout: 10)
        try store.update("j", "a", .inProgress, at: 0)
        #expect(try store.updateJob("j", timeout: 1, at: 1).job?.inProgressTimeoutInMinutes == 1)
        try store.update("j", "b", .inProgress, at: 0)
        #expect(try store.execution("j", "a", at: 0).approximateSecondsBeforeTimedOut == 600)
        #expect(try store.execution("j", "b", at: 0).approximateSecondsBeforeTimedOut == 60)
        // D30: what was created stays recognizable.
        #expect(try store.create("j", on: ["a", "b"], timeout: 10, at: 2).receipt?.isComplete == true)
        #expect(try store.create("j", on: ["a", "b"], timeout: 1, at: 2).refusal?.code == .alreadyExists)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func jobsAreListedPageByPageInTheOrderCreated(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        for number in 0..<7 { try store.create("j\(number)", on: ["t"], at: Int64(number)) }
        try store.cancelJob("j2", at: 8)
        try store.deleteJob("j4", force: true, at: 8)
        var names: [String] = []
        var token: [UInt8]?
        repeat {
            let page = try store.jobs(max: 2, token: token, at: 9)
            names += page.jobs.map(\.jobId.description)
            token = page.nextToken
        } while token != nil
        #expect(names == ["j0", "j1", "j2", "j3", "j5", "j6"])
        #expect(try store.jobs(status: .canceled, at: 9).jobs.map(\.jobId.description) == ["j2"])
        let bad = ListJobsRequest(nextToken: [1, 2, 3, 4, 5])
        #expect(store.outcome(of: .listJobs(bad), at: 9).refusal?.code == .invalidRequest)
    }
}
