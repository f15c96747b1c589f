import ErrandCore
import ErrandStore
import Synchronization
import Testing

/// SPEC §14 `SEM-5` and `SEM-6`. Time is a number here: a call says when it is made.
@Suite(.timeLimit(.minutes(1)))
struct ExecutionTimerTests {
    /// The example of AWS's guide: in-progress 20 minutes from 12:00; step timers that end at 12:12, 12:15, 12:20.
    @Test(arguments: StoreUnderTest.allCases)
    func workedExampleOfTheGuideHolds(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], timeout: 20)
        try store.update("j", "t", .inProgress, at: 0)
        try expectDeadline(store, minutes(20), at: 0)
        try store.update("j", "t", .inProgress, step: 7, at: minutes(5))
        try expectDeadline(store, minutes(12), at: minutes(5))
        try store.update("j", "t", .inProgress, step: 5, at: minutes(10))
        try expectDeadline(store, minutes(15), at: minutes(10))
        try store.update("j", "t", .inProgress, step: 9, at: minutes(13))
        try expectDeadline(store, minutes(20), at: minutes(13))
        #expect(try store.execution("j", "t", at: minutes(20) - 1).record.status == .inProgress)
        let ended = try store.execution("j", "t", at: minutes(20)).record
        #expect(ended.status == .timedOut)
        #expect(ended.versionNumber == 6)
        #expect(ended.lastUpdatedAtMilliseconds == minutes(20))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func reportWithoutStepTimeoutLeavesTheStepTimer(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        try store.update("j", "t", .inProgress, step: 5, at: 0)
        try store.update("j", "t", .inProgress, at: minutes(4))
        try expectDeadline(store, minutes(5), at: minutes(4))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func minusOneEndsTheStepTimerAndIsHarmlessWithoutOne(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        try store.update("j", "t", .inProgress, step: -1, at: 0)
        #expect(try store.execution("j", "t", at: 0).approximateSecondsBeforeTimedOut == nil)
        try store.update("j", "t", .inProgress, step: 5, at: 0)
        try store.update("j", "t", .inProgress, step: -1, at: 1)
        #expect(try store.execution("j", "t", at: minutes(100)).record.status == .inProgress)
        #expect(store.store.advance(to: minutes(100), limit: 10).nextDueMilliseconds == nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func stepTimeoutOfATerminalReportIsIgnored(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], timeout: 5)
        try store.update("j", "t", .inProgress, at: 0)
        try store.update("j", "t", .failed, step: 1, at: 0)
        let ended = try store.execution("j", "t", at: minutes(6))
        #expect(ended.record.status == .failed)
        #expect(ended.approximateSecondsBeforeTimedOut == nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func nothingRunsWhileQueued(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], timeout: 1)
        let queued = try store.execution("j", "t", at: minutes(1000))
        #expect(queued.record.status == .queued)
        #expect(queued.approximateSecondsBeforeTimedOut == nil)
        #expect(queued.record.startedAtMilliseconds == nil)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func inProgressTimerIsNotRestartedByReports(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], timeout: 10)
        try store.startNext("t", at: 0)
        try store.update("j", "t", .inProgress, at: minutes(9))
        try expectDeadline(store, minutes(10), at: minutes(9))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func startNextSetsTheStepTimerOnlyWhenItStarts(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"])
        try store.startNext("t", step: 3, at: 0)
        try store.startNext("t", step: 100, at: minutes(1))
        try expectDeadline(store, minutes(3), at: minutes(1))
    }

    @Test(arguments: StoreUnderTest.allCases)
    func secondsAreRoundedUp(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], timeout: 1)
        try store.update("j", "t", .inProgress, at: 0)
        let expected: [(Int64, UInt32)] = [(0, 60), (1, 60), (999, 60), (1000, 59), (59_000, 1), (59_999, 1)]
        for (now, seconds) in expected {
            #expect(try store.execution("j", "t", at: now).approximateSecondsBeforeTimedOut == seconds)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func minuteOfAnotherLengthShortensBothTimersAndSecondsStayReal(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: 1000)
        try store.create("j", on: ["t"], timeout: 20)
        try store.update("j", "t", .inProgress, step: 7, at: 0)
        #expect(try store.execution("j", "t", at: 0).approximateSecondsBeforeTimedOut == 7)
        #expect(try store.execution("j", "t", at: 7000).record.status == .timedOut)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func minuteWithoutMeasureNeverOverflows(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: .max)
        try store.create("j", on: ["t"], timeout: 10_080)
        try store.update("j", "t", .inProgress, step: 10_080, at: 1_800_000_000_000)
        let view = try store.execution("j", "t", at: 1_800_000_000_000)
        #expect(view.approximateSecondsBeforeTimedOut == UInt32.max)
        #expect(store.store.advance(to: 1_900_000_000_000, limit: 10).timedOutCount == 0)
    }

    // MARK: Late calls

    @Test(
        arguments: StoreUnderTest.allCases, [JobExecutionStatus.inProgress, .succeeded, .failed, .rejected])
    func lateReportSeesTimedOutThoughNobodyAdvanced(_ subject: StoreUnderTest, _ status: JobExecutionStatus) throws {
        let store = subject.make()
        try store.create("j", on: ["t"], timeout: 1)
        try store.update("j", "t", .inProgress, at: 0)
        let refusal = try #require(try store.update("j", "t", status, at: minutes(1)).refusal)
        #expect(refusal.code == .invalidStateTransition)
        #expect(refusal.executionState?.status == .timedOut)
        #expect(refusal.executionState?.versionNumber == 3)
        // The timer's change came first, so the version that the device knew is stale.
        let stale = try store.update("j", "t", status, expectedVersion: 2, at: minutes(1)).refusal
        #expect(stale?.code == .versionMismatch)
        #expect(try store.cancel("j", "t", force: true, at: minutes(1)).refusal?.executionState?.status == .timedOut)
        #expect(try store.startNext("t", at: minutes(1)).isEmpty)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func everyListFiresDueTimersFirst(_ subject: StoreUnderTest) throws {
        for list in 0..<4 {
            let store = subject.make()
            try store.create("j", on: ["t"], timeout: 1)
            try store.startNext("t", at: 0)
            switch list {
            case 0: #expect(try store.pending("t", at: minutes(1)).pending?.totalCount == 0)
            case 1:
                let page = try store.listForThing("t", status: .timedOut, at: minutes(1)).page
                #expect(page?.executions.count == 1)
            case 2:
                #expect(try store.listForJob("j", status: .timedOut, at: minutes(1)).page?.executions.count == 1)
            default: #expect(try store.peekNext("t", at: minutes(1)).isEmpty)
            }
            #expect(try store.job("j", at: minutes(1))?.status == .completed)
        }
    }

    // MARK: advance

    @Test(arguments: StoreUnderTest.allCases)
    func advanceFiresWhatIsDueNeverEarlyAndSaysWhenNext(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<100).map { "t\($0)" }
        try store.create("j", on: things)
        for (index, thing) in things.enumerated() {
            try store.update("j", thing, .inProgress, step: Int64(index + 1), at: 0)
        }
        #expect(store.store.advance(to: minutes(1) - 1, limit: 1000) == AdvanceResult(nextDueMilliseconds: minutes(1)))
        let first = AdvanceResult(nextDueMilliseconds: minutes(11), timedOutCount: 10)
        #expect(store.store.advance(to: minutes(10), limit: 1000) == first)
        let job = try #require(try store.job("j", at: minutes(10)))
        #expect(job.processDetails[.timedOut] == 10)
        #expect(job.processDetails[.inProgress] == 90)
        var fired = 0
        while let due = store.store.advance(to: minutes(100), limit: 7).nextDueMilliseconds {
            #expect(due <= minutes(100))
            fired += 1
            #expect(fired < 100)
        }
        #expect(try store.job("j", at: minutes(100))?.processDetails[.timedOut] == 100)
        #expect(try store.job("j", at: minutes(100))?.status == .completed)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func renewedAndEndedTimersDoNotFire(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<40).map { "t\($0)" }
        try store.create("j", on: things)
        for round in 0..<20 as Range<Int64> {
            for thing in things {
                try store.update("j", thing, .inProgress, step: 1 + (round * 7) % 5, at: round * 1000)
                if round % 3 == 0 { try store.update("j", thing, .inProgress, step: -1, at: round * 1000) }
            }
        }
        for thing in things { try store.update("j", thing, .succeeded, at: 20_000) }
        let result = store.store.advance(to: minutes(1000), limit: 100_000)
        #expect(result == AdvanceResult())
    }

    /// Enough of them that a store which sweeps out ended timers does so.
    @Test(arguments: StoreUnderTest.allCases)
    func timersThatRunOutliveManyThatEnded(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<1000).map { "t\($0)" }
        try store.create("j", on: things)
        for thing in things { try store.update("j", thing, .inProgress, step: 5, at: 0) }
        for thing in things.dropLast(7) { try store.update("j", thing, .succeeded, at: 1) }
        #expect(store.store.advance(to: minutes(5), limit: 10_000) == AdvanceResult(timedOutCount: 7))
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func earlierDeadlineIsAnnounced(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let heard = Box(Mutex<[Int64]>([]))
        store.store.onEarlierDue { due in heard.value.withLock { $0.append(due) } }
        try store.create("j", on: ["a", "b", "c"])
        try store.update("j", "a", .inProgress, step: 10, at: 0)
        #expect(store.store.advance(to: 0, limit: 10).nextDueMilliseconds == minutes(10))
        try store.update("j", "b", .inProgress, step: 20, at: 0)
        try store.update("j", "c", .inProgress, step: 5, at: 0)
        #expect(heard.value.withLock { $0 } == [minutes(10), minutes(5)])
    }

    private func expectDeadline(_ store: StoreDriver, _ deadline: Int64, at now: Int64) throws {
        let view = try store.execution("j", "t", at: now)
        #expect(view.record.deadlineMilliseconds == deadline)
        #expect(view.approximateSecondsBeforeTimedOut == UInt32((deadline - now) / 1000))
    }
}

/// Lets closures share a value that cannot be copied.
final class Box<Value: ~Copyable & Sendable>: Sendable {
    let value: Value

    init(_ value: consuming Value) { self.value = value }
}
