import ErrandCore
import ErrandStore
import Testing

/// Which events a change makes, and in which order (SPEC `WAT-7`, `WAT-8`).
@Suite(.timeLimit(.minutes(1)))
struct FeedOrderTests {
    private let failedRetry = RetryCriterion(failureType: .failed, numberOfRetries: 1)

    @Test(arguments: StoreUnderTest.inMemory)
    func jobThatIsCreatedAndCompleted(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let watch = try store.watch()
        try store.create("j", on: ["a", "b"], at: 5)
        #expect(watch.lines() == ["operator j >IN_PROGRESS", "service j/a#1 v1 >QUEUED", "service j/b#1 v1 >QUEUED"])
        let details = try StatusDetails("k", "v")
        try store.update("j", "a", .inProgress, details: details, at: 6)
        let started = try #require(watch.take().events.first)
        let state = JobExecutionEventState(
            thingName: try ThingName("a"), executionNumber: 1, versionNumber: 2, retryAttempt: 0, from: .queued,
            to: .inProgress, forceCanceled: false, statusDetails: details)
        #expect(
            started
                == JobExecutionEvent(
                    revision: 4, atMilliseconds: 6, actor: .device, jobId: try JobId("j"), subject: .execution(state)))
        try store.update("j", "a", .inProgress, at: 7)
        try store.startNext("b", at: 7)
        try store.update("j", "a", .succeeded, at: 8)
        try store.update("j", "b", .rejected, at: 9)
        #expect(
            watch.lines() == [
                "device j/a#1 v3 IN_PROGRESS>IN_PROGRESS", "device j/b#1 v2 QUEUED>IN_PROGRESS",
                "device j/a#1 v4 IN_PROGRESS>SUCCEEDED", "device j/b#1 v3 IN_PROGRESS>REJECTED",
                "service j IN_PROGRESS>COMPLETED",
            ])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func nothingIsAnEventThatChangesNothing(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"])
        let key = IdempotencyKey(high: 1, low: 1)
        _ = try store.update("j", "a", .inProgress, key: key, at: 1)
        let watch = try store.watch()
        try store.create("j", on: ["a"], at: 2)
        _ = try store.update("j", "a", .inProgress, key: key, at: 2)
        try store.startNext("a", at: 2)
        try store.cancel("j", "a", at: 2)
        try store.update("j", "a", .succeeded, expectedVersion: 9, at: 2)
        try store.deleteJob("j", at: 2)
        _ = try store.execution("j", "a", at: 2)
        _ = store.store.advance(to: 2, limit: 100)
        #expect(watch.callCount == 0 && watch.takeReady().isEmpty && watch.lines().isEmpty)
        try store.update("j", "a", .succeeded, at: 3)
        #expect(watch.callCount == 1 && watch.lines().count == 2)
        // A report after the end is noted in the history, and changes nothing.
        try store.update("j", "a", .failed, at: 4)
        try store.cancelJob("j", at: 4)
        #expect(watch.lines().isEmpty)
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func retryFollowsTheFailure(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"], JobConfiguration(retryCriteria: [failedRetry]))
        let watch = try store.watch()
        try store.update("j", "a", .failed, at: 1)
        let retry = try #require(watch.take().events.last)
        #expect(retry.line == "service j/a#2 v1 >QUEUED")
        if case .execution(let state) = retry.subject { #expect(state.retryAttempt == 1) }
        try store.update("j", "a", .failed, at: 2)
        #expect(watch.lines() == ["device j/a#2 v2 QUEUED>FAILED", "service j IN_PROGRESS>COMPLETED"])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func timersAreTheServices(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b"], timeout: 1)
        try store.update("j", "a", .inProgress, at: 0)
        try store.update("j", "b", .inProgress, at: 0)
        let watch = try store.watch()
        // One on access, the other by the clock.
        _ = try store.execution("j", "a", at: minutes(1))
        #expect(watch.lines() == ["service j/a#1 v3 IN_PROGRESS>TIMED_OUT"])
        _ = store.store.advance(to: minutes(1), limit: 100)
        #expect(watch.lines() == ["service j/b#1 v3 IN_PROGRESS>TIMED_OUT", "service j IN_PROGRESS>COMPLETED"])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func cancelOfAJobIsFirstTheJobs(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b"])
        try store.update("j", "a", .inProgress, at: 1)
        let watch = try store.watch()
        try store.cancelJob("j", at: 2)
        #expect(watch.lines() == ["operator j IN_PROGRESS>CANCELED", "operator j/b#1 v2 QUEUED>CANCELED"])
        try store.cancelJob("j", at: 3)
        #expect(watch.lines().isEmpty)
        try store.cancelJob("j", force: true, at: 4)
        #expect(
            watch.lines() == [
                "operator j CANCELED>CANCELED", "operator j/a#1 v3 IN_PROGRESS>CANCELED forced",
            ])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func abortFollowsTheFailure(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let criterion = AbortCriterion(
            failureType: .failed, thresholdPercentageHundredths: 1, minNumberOfExecutedThings: 1)
        try store.create("j", on: ["a", "b"], JobConfiguration(abortCriteria: [criterion]))
        let watch = try store.watch()
        try store.update("j", "a", .failed, at: 1)
        #expect(
            watch.lines() == [
                "device j/a#1 v2 QUEUED>FAILED", "service j IN_PROGRESS>CANCELED", "service j/b#1 v2 QUEUED>CANCELED",
            ])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func deletionEndsWithTheJob(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b"])
        try store.update("j", "a", .succeeded, at: 1)
        let watch = try store.watch()
        try store.deleteJob("j", force: true, at: 2)
        #expect(
            watch.lines() == [
                "operator j IN_PROGRESS>DELETION_IN_PROGRESS", "operator j/a#1 v2 SUCCEEDED>",
                "operator j/b#1 v1 QUEUED>", "operator j DELETION_IN_PROGRESS>",
            ])
        try store.create("j", on: ["a"], at: 3)
        #expect(watch.lines() == ["operator j >IN_PROGRESS", "service j/a#1 v1 >QUEUED"])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func largeDeletionGoesOnInAdvance(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: (0..<5000).map { "t\($0)" })
        store.advanceAll(to: 0)
        let watch = try store.watch(.job(try JobId("j")))
        #expect(try store.deleteJob("j", force: true, at: 1).deletionIsComplete == false)
        let first = watch.lines()
        #expect(first.count == 4097 && first.first == "operator j IN_PROGRESS>DELETION_IN_PROGRESS")
        store.advanceAll(to: 1)
        let rest = watch.lines()
        #expect(rest.count == 905 && rest.last == "operator j DELETION_IN_PROGRESS>")
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func deletionOfTheLastOpenExecutionCompletesTheJob(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a"])
        let watch = try store.watch()
        try store.deleteExecution("j", "a", 1, at: 1)
        #expect(watch.lines() == ["operator j/a#1 v1 QUEUED>", "service j IN_PROGRESS>COMPLETED"])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func updateAndRemovalOfTargets(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let rollout = RolloutConfig(maximumPerMinute: 1)
        try store.create("j", on: ["a", "b", "c"], JobConfiguration(rollout: rollout))
        let watch = try store.watch()
        try store.updateJob("j", timeout: 5, at: 1)
        // c was not queued yet: its leaving is the rollout's matter.
        try store.removeTargets("j", ["a", "c"], at: 2)
        _ = store.store.advance(to: minutes(1), limit: 100)
        #expect(
            watch.lines() == [
                "operator j IN_PROGRESS>IN_PROGRESS", "operator j/a#1 v2 QUEUED>REMOVED", "service j/b#1 v1 >QUEUED",
            ])
        try store.removeTargets("j", ["b"], at: minutes(1))
        #expect(watch.lines() == ["operator j/b#1 v2 QUEUED>REMOVED", "service j IN_PROGRESS>COMPLETED"])
    }

    @Test(arguments: StoreUnderTest.inMemory)
    func stagedJobMakesNoEvent(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let watch = try store.watch()
        let request = CreateJobRequest(
            jobId: try JobId("j"), document: "{}", targetCount: 2, targets: [try ThingName("a")])
        _ = store.outcome(of: .createJob(request), at: 0)
        store.advanceAll(to: 600_000)
        #expect(try store.job("j", at: 600_000) == nil)
        #expect(watch.lines().isEmpty)
        _ = store.outcome(of: .createJob(request), at: 700_000)
        #expect(watch.lines().isEmpty)
        let rest = AddJobTargetsRequest(jobId: try JobId("j"), targetOffset: 1, targets: [try ThingName("b")])
        _ = store.outcome(of: .addJobTargets(rest), at: 700_001)
        _ = store.outcome(of: .addJobTargets(rest), at: 700_002)
        #expect(watch.lines() == ["operator j >IN_PROGRESS", "service j/a#1 v1 >QUEUED", "service j/b#1 v1 >QUEUED"])
    }
}
