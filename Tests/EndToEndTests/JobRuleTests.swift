import ErrandClient
import ErrandCore
import ErrandServer
import ErrandTestSupport
import Testing

/// Timers, rollout, aborts and retries over TCP, on a clock that the test moves.
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct JobRuleTests {
    /// SEMANTICS 1.10: in-progress 20; step 7 at 5, step 5 at 10, step 9 at 13; deadlines 12, 15, 20.
    @Test func theWorkedTimerExampleReadsTwelveFifteenTwenty() async throws {
        let world = try await JobWorld(minuteLengthMilliseconds: 1000)
        let client = world.client
        try await client.createJob(jobId: "j", document: "{}", targets: ["t"], inProgressTimeoutInMinutes: 20)
        _ = try await client.startNextPendingJobExecution(thingName: "t")
        var now: Int64 = 0
        func move(to minute: Int64) {
            world.clock.advance(byMilliseconds: (minute - now) * 1000)
            now = minute
        }
        func deadline() async throws -> Int64? {
            let execution = try await client.describeJobExecution(jobId: "j", thingName: "t")
            return execution.approximateSecondsBeforeTimedOut.map { Int64($0) + now }
        }
        #expect(try await deadline() == 20)
        for (minute, step, expected) in [(5, 7, 12), (10, 5, 15), (13, 9, 20)] as [(Int64, Int64, Int64)] {
            move(to: minute)
            _ = try await client.updateJobExecution(
                jobId: "j", thingName: "t", status: .inProgress, stepTimeoutInMinutes: step)
            #expect(try await deadline() == expected)
        }
        world.clock.advance(byMilliseconds: 6999)
        #expect(try await client.describeJobExecution(jobId: "j", thingName: "t").status == .inProgress)
        world.clock.advance(byMilliseconds: 1)
        let late = await world.refusal { () throws(ErrandError) in
            try await client.updateJobExecution(jobId: "j", thingName: "t", status: .succeeded)
        }
        #expect(late == .invalidStateTransition)
        let execution = try await client.describeJobExecution(jobId: "j", thingName: "t")
        #expect(execution.status == .timedOut && execution.approximateSecondsBeforeTimedOut == nil)
        #expect(execution.lastUpdatedAtMilliseconds == 1_700_000_000_000 + 20_000)
        await world.end()
    }

    /// The clockwork looks in real time at a clock that the test moves, so the test waits until it has looked.
    @Test func aRolloutOfTwoAMinuteQueuesTwoInAnyMinute() async throws {
        let world = try await JobWorld(minuteLengthMilliseconds: 100)
        let client = world.client
        try await client.createJob(
            jobId: "j", document: "{}", targets: ["a", "b", "c", "d", "e"],
            configuration: JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 2)))
        for (queued, left) in [(2, 3), (4, 1), (5, 0)] as [(UInt32, UInt32)] {
            #expect(try await eventually { try await world.job("j").processDetails[.queued] == queued })
            #expect(try await world.job("j").notYetQueuedCount == left)
            world.clock.advance(byMilliseconds: 99)
            #expect(try await world.job("j").processDetails[.queued] == queued)
            world.clock.advance(byMilliseconds: 1)
        }
        var times: [Int64] = []
        for try await execution in try client.jobExecutions(jobId: "j") { times.append(execution.queuedAtMilliseconds) }
        #expect(times.count == 5)
        for (first, third) in zip(times, times.dropFirst(2)) { #expect(third - first >= 100) }
        await world.end()
    }

    /// Base 2, factor 2 for every 4 queued, at most 5: 2, then 2 more, and from then on 4 and 5 a minute.
    @Test func anExponentialRolloutRisesWithWhatIsQueued() async throws {
        let world = try await JobWorld(minuteLengthMilliseconds: 100)
        let client = world.client
        let rate = RolloutConfig.ExponentialRate(
            baseRatePerMinute: 2, incrementFactorTenths: 20, increaseCriterion: .numberOfNotifiedThings(4))
        try await client.createJob(
            jobId: "j", document: "{}", targets: (0..<20).map { "t\($0)" },
            configuration: JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 5, exponentialRate: rate)))
        for queued in [2, 4, 8, 13, 18, 20] as [UInt32] {
            #expect(try await eventually { try await world.job("j").processDetails[.queued] == queued })
            world.clock.advance(byMilliseconds: 100)
        }
        await world.end()
    }

    @Test func anAbortAtHalfOfAtLeastFourFiresExactlyThere() async throws {
        let world = try await JobWorld()
        let client = world.client
        let things = ["a", "b", "c", "d", "e", "f"]
        try await client.createJob(
            jobId: "j", document: "{}", targets: things,
            configuration: JobConfiguration(abortCriteria: [
                AbortCriterion(
                    failureType: .failed, thresholdPercentageHundredths: 5000, minNumberOfExecutedThings: 4)
            ]))
        let ends: [JobExecutionStatus] = [.failed, .failed, .succeeded, .succeeded]
        for (thing, end) in zip(things, ends) {
            #expect(try await world.job("j").status == .inProgress)
            _ = try await client.updateJobExecution(jobId: "j", thingName: thing, status: end)
        }
        #expect(try await eventually { try await world.job("j").processDetails[.canceled] == 2 })
        let job = try await world.job("j")
        #expect(job.status == .canceled && job.reasonCode == "ABORT_CRITERION" && !job.forceCanceled)
        #expect(job.processDetails[.failed] == 2 && job.processDetails[.succeeded] == 2)
        await world.end()
    }

    @Test func retriesAreNewAttemptsAndTheCountersSum() async throws {
        let world = try await JobWorld()
        let client = world.client
        try await client.createJob(
            jobId: "j", document: "{}", targets: ["t"],
            configuration: JobConfiguration(retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 2)]))
        for number in 1...3 as ClosedRange<Int64> {
            let started = try #require(try await client.startNextPendingJobExecution(thingName: "t"))
            #expect(started.executionNumber == number && started.retryAttempt == UInt16(number - 1))
            _ = try await client.updateJobExecution(
                jobId: "j", thingName: "t", status: .failed, executionNumber: number)
            #expect(try await world.job("j").targetCount == 1)
        }
        let job = try await world.job("j")
        #expect(job.status == .completed && job.processDetails[.failed] == 1 && job.attemptDetails[.failed] == 3)
        #expect(try await client.startNextPendingJobExecution(thingName: "t") == nil)
        await world.end()
    }
}
