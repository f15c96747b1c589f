import ErrandCore
import ErrandStore
import Synchronization
import Testing

/// Two who want to end the same execution: exactly one does, the other is told what it became, and the history shows
/// one end. A thousand rounds each.
@Suite(.timeLimit(.minutes(1)))
struct RaceTests {
    private static let roundCount = 1000

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func twoFinishersWithTheSameExpectedVersion(_ subject: StoreUnderTest) throws {
        try race(
            subject, loserCode: .versionMismatch,
            { try $0.update("j", $1, .succeeded, expectedVersion: 2, at: 10) },
            { try $0.update("j", $1, .failed, expectedVersion: 2, at: 10) })
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func forcedCancelAgainstSuccess(_ subject: StoreUnderTest) throws {
        try race(
            subject, loserCode: .invalidStateTransition, { try $0.cancel("j", $1, force: true, at: 10) },
            { try $0.update("j", $1, .succeeded, at: 10) })
    }

    /// The expiry comes from `advance`, the update just before its deadline.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func expiryAgainstUpdate(_ subject: StoreUnderTest) throws {
        try race(
            subject, loserCode: .invalidStateTransition,
            { store, _ in
                _ = store.store.advance(to: 1000, limit: 10)
                return nil
            }, { try $0.update("j", $1, .succeeded, at: 999) })
    }

    /// A target that left while its turn to be queued had come is not queued after all.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func removalAgainstRollout(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        // So many are handed out at once.
        let things = (0..<64).map { "t\($0)" }
        for round in 0..<300 {
            let job = "j\(round)"
            both({ _ = try? store.create(job, on: things, at: 1) }) {
                while (try? store.removeTargets(job, ["t63"], at: 1))?.removedCount == nil { continue }
            }
            let shown = try store.summedJob(job, at: 1)
            #expect(shown.processDetails[.queued] == 63 && shown.notYetQueuedCount == 0)
            #expect(try store.describe(job, "t63", at: 1).execution?.record.status.isTerminal != false)
        }
    }

    /// A rollout that has just been planned at the old rate is not put off by it when the rate rises.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func aHigherRateAgainstARollout(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: 1000)
        let things = (0..<3).map { "t\($0)" }
        for round in 0..<Self.roundCount {
            let (job, begin) = ("j\(round)", Int64(round) * 2000)
            try store.create(
                job, on: things, JobConfiguration(rollout: RolloutConfig(maximumPerMinute: 1)), at: begin)
            let now = begin + 1000
            both({ _ = store.store.advance(to: now, limit: 100) }) {
                _ = try? store.updateJob(job, rollout: RolloutConfig(maximumPerMinute: 1000), at: now)
            }
            store.advanceAll(to: now)
            #expect(try store.summedJob(job, at: now).notYetQueuedCount == 0)
            try store.deleteJob(job, force: true, at: now)
        }
    }

    /// Two who queue a job's targets do not do so at the same time: a start goes on behind the last that was queued.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func aHigherRateAgainstTheFirstTargets(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<2000).map { "t\($0)" }
        for round in 0..<20 {
            let job = "j\(round)"
            both({ _ = try? store.create(job, on: things, at: 1) }) {
                let rollout = RolloutConfig(maximumPerMinute: 1000)
                while (try? store.updateJob(job, rollout: rollout, at: 1))?.job == nil { continue }
                for _ in 0..<20 { _ = store.store.advance(to: 1, limit: 100) }
            }
            store.advanceAll(to: minutes(5))
            var (listed, token): ([ThingName], [UInt8]?) = ([], nil)
            repeat {
                let page = try #require(try store.listForJob(job, token: token, at: minutes(5)).page)
                listed += page.executions.map(\.thingName)
                token = page.nextToken
            } while token != nil
            #expect(listed == (try things.map { try ThingName($0) }))
        }
    }

    /// While things finish, the job is canceled: every execution ends once, and the counts agree with the executions.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func jobCancelAgainstFinishers(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<5000).map { "t\($0)" }
        let retry = RetryCriterion(failureType: .failed, numberOfRetries: 2)
        try store.create("j", on: things, JobConfiguration(retryCriteria: [retry]))
        store.advanceAll(to: 0)
        both(
            {
                for (index, thing) in things.enumerated() {
                    _ = try? store.update("j", thing, index % 2 == 0 ? .failed : .succeeded, at: 1)
                }
            },
            {
                while let job = try? store.job("j", at: 1), job.processDetails[.succeeded] < 500 { continue }
                _ = try? store.cancelJob("j", force: true, at: 1)
            })
        store.advanceAll(to: 2)
        let job = try store.summedJob("j", at: 3)
        #expect(job.status == .canceled && job.processDetails.openCount == 0 && job.targetCount == 5000)
        var counts: [JobExecutionStatus: UInt32] = [:]
        for thing in things { counts[try store.execution("j", thing, at: 3).record.status, default: 0] += 1 }
        for status in JobExecutionStatus.allCases { #expect(job.processDetails[status] == counts[status] ?? 0) }
    }

    private typealias Contender = @Sendable (StoreDriver, String) throws -> StoreOutcome?

    private func race(
        _ subject: StoreUnderTest, loserCode: StatusCode, _ left: @escaping Contender, _ right: @escaping Contender
    ) throws {
        let store = subject.make(minuteLengthMilliseconds: 1000)
        let things = (0..<Self.roundCount).map { "t\($0)" }
        try store.create("j", on: things, timeout: 1)
        for thing in things { try store.update("j", thing, .inProgress, at: 0) }
        let outcomes = Box(Mutex([String: [StoreOutcome]]()))
        let run: @Sendable (@escaping Contender) -> Void = { contender in
            for thing in things {
                guard let outcome = try? contender(store, thing) else { continue }
                outcomes.value.withLock { $0[thing, default: []].append(outcome) }
            }
        }
        both({ run(left) }, { run(right) })
        _ = store.store.advance(to: 1000, limit: 10_000)
        for thing in things {
            let record = try store.execution("j", thing, at: 1001).record
            #expect(record.status.isTerminal && record.versionNumber == 3)
            let all = outcomes.value.withLock { $0[thing] ?? [] }
            #expect(all.count(where: { $0.change != nil }) == (record.status == .timedOut ? 0 : 1))
            for refusal in all.compactMap(\.refusal) {
                #expect(refusal.code == loserCode && refusal.executionState == record.state)
            }
            let ends = try store.history("j", thing, at: 1001).entries.filter {
                $0.kind == .change && $0.toStatus.isTerminal
            }
            #expect(ends.map(\.toStatus) == [record.status])
        }
    }
}
