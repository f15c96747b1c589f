import ErrandCore
import ErrandStore
import Testing

/// SEMANTICS 1.18 to 1.20: retries, rollout rates, aborts.
@Suite(.timeLimit(.minutes(1)))
struct JobRuleTests {
    @Test(arguments: StoreUnderTest.allCases)
    func d23RetryIsANewAttemptAtTheBackOfTheQueueAndCountersSum(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let criteria = [
            RetryCriterion(failureType: .failed, numberOfRetries: 2),
            RetryCriterion(failureType: .timedOut, numberOfRetries: 1),
        ]
        try store.create("j", on: ["a"], JobConfiguration(inProgressTimeoutInMinutes: 1, retryCriteria: criteria))
        try store.create("k", on: ["a"], at: 1)
        try store.update("j", "a", .failed, details: StatusDetails("k", "v"), at: 2)
        #expect(try store.startNext("a", at: 3).execution?.jobId.description == "k")
        var record = try store.execution("j", "a", at: 3).record
        #expect(record.executionNumber == 2 && record.versionNumber == 1 && record.retryAttempt == 1)
        #expect(record.status == .queued && record.queuedAtMilliseconds == 2 && record.statusDetails.isEmpty)
        try store.update("j", "a", .inProgress, at: 4)
        // The timer ends it lazily; the call without a number meets the next attempt.
        record = try store.execution("j", "a", at: 4 + minutes(1)).record
        #expect(record.executionNumber == 3 && record.status == .queued && record.retryAttempt == 2)
        try store.update("j", "a", .inProgress, at: minutes(2))
        store.advanceAll(to: minutes(4))
        // The budget of TIMED_OUT is spent.
        record = try store.execution("j", "a", at: minutes(4)).record
        #expect(record.executionNumber == 3 && record.status == .timedOut)
        let job = try store.summedJob("j", at: minutes(4))
        #expect(job.targetCount == 1 && job.processDetails[.timedOut] == 1 && job.status == .completed)
        #expect(job.attemptDetails[.failed] == 1 && job.attemptDetails[.timedOut] == 2)
        // D38
        #expect(try store.listForJob("j", at: minutes(4)).page?.executions.map(\.retryAttempt) == [0, 1, 2])
    }

    @Test(arguments: StoreUnderTest.allCases)
    func nothingIsRetriedAfterItsJobWasCanceledOrItsRetriesEnded(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let configuration = JobConfiguration(retryCriteria: [RetryCriterion(failureType: .all, numberOfRetries: 9)])
        try store.create("j", on: ["a", "b"], configuration)
        try store.update("j", "a", .inProgress, at: 1)
        try store.cancelJob("j", at: 2)
        try store.update("j", "a", .failed, at: 3)
        #expect(try store.execution("j", "a", at: 4).record.executionNumber == 1)
        try store.create("k", on: ["a", "b"], configuration)
        try store.updateJob("k", endsRetries: true, at: 5)
        try store.update("k", "a", .failed, at: 6)
        try store.update("k", "b", .rejected, at: 6)
        #expect(try store.summedJob("k", at: 7).status == .completed)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d43RolloutQueuesNoMoreThanItsRateInAnyMinute(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: 1000)
        let things = ["a", "b", "c", "d", "e"]
        let rollout = RolloutConfig(maximumPerMinute: 2)
        try store.create("j", on: things, JobConfiguration(rollout: rollout), at: 100)
        #expect(try store.summedJob("j", at: 100).notYetQueuedCount == 3)
        #expect(store.store.advance(to: 100, limit: 10).nextDueMilliseconds == 1100)
        for time in stride(from: 100, through: 4000, by: 50) as StrideThrough<Int64> {
            _ = store.store.advance(to: time, limit: 10)
            _ = try store.summedJob("j", at: time)
        }
        let times = try things.map { try store.execution("j", $0, at: 4000).record.queuedAtMilliseconds }
        #expect(times == [100, 100, 1100, 1100, 2100])
        for start in 0..<4000 as Range<Int64> { #expect(times.count { $0 >= start && $0 < start + 1000 } <= 2) }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func exponentialRolloutGrowsFromMinuteToMinute(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: 1000)
        let rate = RolloutConfig.ExponentialRate(
            baseRatePerMinute: 5, incrementFactorTenths: 20, increaseCriterion: .numberOfNotifiedThings(10))
        let rollout = RolloutConfig(maximumPerMinute: 15, exponentialRate: rate)
        try store.create("j", on: (0..<60).map { "t\($0)" }, JobConfiguration(rollout: rollout))
        var counts: [UInt32] = []
        for minute in 0..<6 as Range<Int64> {
            _ = store.store.advance(to: minute * 1000, limit: 1000)
            counts.append(try store.summedJob("j", at: minute * 1000).processDetails[.queued])
        }
        #expect(counts == [5, 10, 20, 35, 50, 60])
    }

    @Test(arguments: StoreUnderTest.allCases)
    func targetsThatTheRolloutHasNotReachedCanLeaveAndStayUnqueuedAfterACancel(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: 1000)
        let configuration = JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 1))
        try store.create("j", on: ["a", "b", "a", "c", "d"], configuration)
        #expect(try store.removeTargets("j", ["b", "a"], at: 1).removedCount == 2)
        #expect(try store.removeTargets("j", ["b", "a"], at: 1).removedCount == 0)
        #expect(try store.summedJob("j", at: 2).targetCount == 3)
        _ = store.store.advance(to: 1000, limit: 10)
        #expect(try store.execution("j", "c", at: 1000).record.status == .queued)
        try store.cancelJob("j", at: 1001)
        store.advanceAll(to: 9000)
        let job = try store.summedJob("j", at: 9000)
        // D33: what has no execution is not yet queued, for ever.
        #expect(job.notYetQueuedCount == 1 && job.processDetails[.canceled] == 1 && job.processDetails[.removed] == 1)
        #expect(try store.describe("j", "d", at: 9000).refusal?.code == .notFound)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func d25AbortFiresExactlyAtItsThreshold(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let criterion = AbortCriterion(
            failureType: .failed, thresholdPercentageHundredths: 5000, minNumberOfExecutedThings: 4)
        try store.create("j", on: (0..<8).map { "t\($0)" }, JobConfiguration(abortCriteria: [criterion]))
        try store.update("j", "t7", .inProgress, at: 1)
        let ends: [JobExecutionStatus] = [.failed, .failed, .succeeded]
        for (index, status) in ends.enumerated() {
            try store.update("j", "t\(index)", status, at: 2)
            #expect(try store.summedJob("j", at: 2).status == .inProgress)
        }
        try store.update("j", "t3", .succeeded, at: 3)
        let job = try store.summedJob("j", at: 4)
        #expect(job.status == .canceled && job.reasonCode == "ABORT_CRITERION" && job.comment?.isEmpty == false)
        #expect(job.processDetails[.canceled] == 3 && job.processDetails[.inProgress] == 1 && !job.forceCanceled)
        #expect(try store.history("j", "t5", at: 5).entries.last?.actor == .service)
        #expect(try store.update("j", "t7", .succeeded, at: 6).change?.status == .succeeded)
    }
}
