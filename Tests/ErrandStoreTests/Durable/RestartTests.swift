import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// What a start leaves out, reads at the same time, or finds done by the stop before it: the state and what watches are told
/// must not show it.
@Suite(.timeLimit(.minutes(2)))
struct RestartTests {
    private static func open(
        _ directory: TemporaryStore, limits: StoreLimits = StoreLimits(), at now: Int64 = 0,
        retention: Int64 = .max, _ tuning: DurableExecutionStore.Tuning = DurableExecutionStore.Tuning()
    ) throws -> DurableExecutionStore {
        try DurableExecutionStore(
            try directory.open(), rules: RandomWorkload.rules, limits: limits, at: now,
            finishedRetentionMilliseconds: retention, stripeCount: 4, tuning: tuning)
    }

    private static func run(_ steps: some Sequence<RandomWorkload.Step>, on store: DurableExecutionStore) {
        for step in steps {
            store.settle(to: step.now)
            _ = StoreDriver(store).outcomes(of: step.commands, at: step.now)
        }
    }

    // MARK: Sweeps

    /// A store may keep a hundred thousand canceled jobs, and whoever starts it does not look through them again.
    @Test(arguments: [false, true])
    func onlyJobsWithOpenExecutionsAreSweptAgain(isForced: Bool) throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try Self.open(directory)
        let driver = StoreDriver(store)
        try driver.create("j", on: ["a", "b"], at: 1)
        try driver.update("j", "a", .inProgress, at: 2)
        _ = try driver.cancelJob("j", force: isForced, at: 3)
        #expect(store.stop() == nil)
        let again = try Self.open(directory, at: 4)
        #expect(again.memory.jobs.withLock { $0.nextSweep == nil } == isForced)
        again.catchUp(to: 5)
        #expect(again.memory.jobs.withLock { $0.nextSweep == nil })
        #expect(
            try StoreDriver(again).execution("j", "a", at: 6).record.status == (isForced ? .canceled : .inProgress))
        #expect(again.stop() == nil)
    }

    // MARK: Events

    /// What a watch of everything is told that goes on from there.
    private static func told(_ feed: ChangeFeed, from revision: UInt64) throws -> [String] {
        let watch: FeedWatch
        do {
            watch = try FeedWatch(feed, .everything, from: revision)
        } catch let refusal as Refusal {
            return ["\(refusal.code) \(refusal.message)"]
        }
        defer { watch.unsubscribe() }
        return watch.takeAll().events.map { "\($0.revision) \($0.line)" }
    }

    @Test(arguments: [1, 5, 40, 10_000])
    func watchesAreToldTheSameWhateverIsNotReadAgain(keptCount: Int) throws {
        var limits = StoreLimits()
        limits.watchHistoryEventCount = keptCount
        let directory = TemporaryStore(isOnDisk: false)
        let steps = try RandomWorkload.steps(seed: 71, count: 60, commandsPerStep: 4)
        let store = try Self.open(directory, limits: limits)
        let first = store.changes.revision
        Self.run(steps[..<20], on: store)
        #expect(store.checkpoint() == nil)
        Self.run(steps[20..<40], on: store)
        #expect(store.checkpoint() == nil)
        Self.run(steps[40...], on: store)
        let newest = store.changes.revision
        #expect(newest > first + 100)
        let expected = try (first...(newest + 1)).map { try Self.told(store.changes, from: $0) }
        #expect(store.stop() == nil)
        let again = try Self.open(directory, limits: limits)
        let found = try (first...(newest + 1)).map { try Self.told(again.changes, from: $0) }
        // The journal of the interval before the last checkpoint is there, and no older one.
        let fewer = zip(found, expected).filter { $0.0 != $0.1 }
        #expect(keptCount == 10_000 || fewer.isEmpty)
        #expect(found.suffix(41) == expected.suffix(41))
        #expect(again.changes.revision == newest)
        #expect(again.stop() == nil)
    }

    @Test func oldGroupsAreNotReadUnlessTheStoreIsChecked() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let steps = try RandomWorkload.steps(seed: 72, count: 60, commandsPerStep: 4)
        let store = try Self.open(directory)
        Self.run(steps[..<50], on: store)
        #expect(store.checkpoint() == nil)
        Self.run(steps[50...], on: store)
        let newest = store.changes.revision
        #expect(store.stop() == nil)
        let database = try directory.open()
        let (journalStart, checkpoint) = (database.journalStart, database.checkpointSequence)
        #expect(checkpoint > journalStart + 50 && database.lastSequence > checkpoint)
        let all = try EventStart(in: database, keeping: .max)
        #expect(all.sequence == journalStart && all.revision == nil && all.firstKept == 0)
        let some = try EventStart(in: database, keeping: 60)
        #expect(journalStart < some.sequence && some.sequence < checkpoint)
        #expect(some.firstKept == newest - 59)
        #expect(try #require(some.revision) < some.firstKept)
        // Whatever is kept, reading begins before the checkpoint, whose revision is so known.
        let one = try EventStart(in: database, keeping: 1)
        #expect(some.sequence < one.sequence && one.sequence < checkpoint)
        // The first group, which the search does not come to either, does not keep anybody from starting, and a check finds it.
        try database.fold { (_) throws(StorageFault) in
            try database.connection.execute(
                "UPDATE journal SET checksum = checksum + 1 WHERE last = (SELECT min(last) FROM journal)")
        }
        try database.close()
        var limits = StoreLimits()
        limits.watchHistoryEventCount = 60
        #expect(try Self.open(directory, limits: limits).stop() == nil)
        #expect(throws: StorageFault.self) { try Self.open(directory) }
        #expect(try StoreCare.check(directory: directory.path).faults.count == 1)
    }

    /// They are missed even if all events that are kept come after them: the tables do not show what they hold.
    @Test(arguments: [false, true])
    func missingGroupsAtTheCheckpointAreNoticed(straddlesCheckpoint: Bool) throws {
        var limits = StoreLimits()
        limits.watchHistoryEventCount = 8
        let directory = TemporaryStore(isOnDisk: false)
        let store = try Self.open(directory, limits: limits)
        for number in 0..<30 {
            try StoreDriver(store).create("j\(number)", on: ["t\(number)"], at: 1)
            if number == 19 { #expect(store.checkpoint() == nil) }
        }
        #expect(store.stop() == nil)
        let database = try directory.open()
        if straddlesCheckpoint {
            try database.moveCheckpoint(through: database.checkpointSequence + 1, journalStart: 0) { _ in }
        }
        let checkpoint = database.checkpointSequence
        var groups: [ClosedRange<UInt64>] = []
        try database.forEachGroup(after: database.journalStart) { first, last, _ in groups.append(first...last) }
        let missing = groups.filter { $0.overlaps(checkpoint...(checkpoint + 1)) }
        #expect(missing.count == (straddlesCheckpoint ? 1 : 2))
        let gap = try #require(missing.first).lowerBound
        let next = try #require(groups.first { $0.lowerBound > checkpoint + 1 })
        try database.fold { (_) throws(StorageFault) in
            try database.connection.execute("DELETE FROM journal WHERE last >= \(gap) AND last < \(next.lowerBound)")
        }
        try database.close()
        let fault = StorageFault.damaged(
            "a group is missing: \(next.lowerBound) to \(next.upperBound) follows \(gap - 1)",
            at: "journal, sequence \(gap)")
        #expect(throws: fault) { try Self.open(directory, limits: limits) }
    }

    // MARK: Parts

    @Test(arguments: [73, 74] as [UInt64], [Int64.max, 3000])
    func executionsThatAreReadInPartsAreTheSame(seed: UInt64, retention: Int64) throws {
        let directory = TemporaryStore(isOnDisk: false)
        let steps = try RandomWorkload.steps(seed: seed, count: 80, commandsPerStep: 5)
        let store = try Self.open(directory)
        Self.run(steps[..<60], on: store)
        #expect(store.checkpoint() == nil)
        Self.run(steps[60...], on: store)
        #expect(store.stop() == nil)
        let now = try #require(steps.last).now
        let whole = try Self.open(directory, at: now, retention: retention)
        let expected = StoreImage(of: whole.memory)
        #expect(whole.counts.executionCount > 8)
        #expect(whole.stop() == nil)
        for countMax in [2, 3, 4] {
            let parts = ExecutionParts(countMax: countMax, rowCountMin: 2)
            let opened = try Self.open(directory, at: now, retention: retention, .init(parts: parts))
            let splits = parts.splits(of: opened.memory.jobs.withLock { Array($0.jobs.values) })
            #expect(splits.count == countMax - 1)
            #expect(StoreImage(of: opened.memory) == expected)
            #expect(opened.stop() == nil)
        }
    }

    /// The sum over all parts is compared with what must be there, as that over one pass is.
    @Test func aRowThatIsMissingIsNoticedInParts() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try Self.open(directory)
        let things = (0..<40).map { "t\($0)" }
        _ = try StoreDriver(store).create("j", on: things, at: 1)
        #expect(store.checkpoint() == nil)
        #expect(store.stop() == nil)
        let database = try directory.open()
        try database.fold { (_) throws(StorageFault) in
            try database.connection.execute("DELETE FROM executions WHERE position = 31")
        }
        try database.close()
        let parts = ExecutionParts(countMax: 4, rowCountMin: 2)
        let missing = StorageFault.damaged("39 rows where there were 40", at: "executions that are open")
        for tuning in [DurableExecutionStore.Tuning(), .init(parts: parts)] {
            #expect(throws: missing) { try Self.open(directory, tuning) }
        }
    }

    // MARK: What is gone

    /// Executions of two jobs on one thing, of which one stays in the tables at the next start; then the other goes, and then
    /// something happens to the first, for which all that the thing has is looked for in the tables.
    private static func deleted(_ more: (StoreDriver) throws -> Void) throws -> StoreDriver {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try open(directory)
        let driver = StoreDriver(store)
        try driver.create("kept", on: ["t", "u"], at: 1)
        try driver.create("gone", on: ["t", "v"], at: 1)
        try driver.update("kept", "t", .succeeded, at: 2)
        #expect(store.checkpoint() == nil)
        #expect(try driver.deleteExecution("gone", "t", 1, force: true, at: 3).refusal == nil)
        try more(driver)
        let expected = (try driver.summary("kept"), try driver.summary("gone"))
        #expect(store.stop() == nil)
        let again = StoreDriver(try open(directory, at: 10_000, retention: 1000), directory: directory)
        #expect((try again.summary("kept"), try again.summary("gone")) == expected)
        #expect(try again.describe("gone", "t", at: 10_000).refusal?.code == .notFound)
        return again
    }

    @Test func whatWasDeletedStaysSoWhenAnotherComesBack() throws {
        let again = try Self.deleted { driver in
            let late = try driver.update("kept", "t", .inProgress, at: 4).refusal
            #expect(late?.code == .invalidStateTransition)
        }
        #expect(try again.execution("kept", "t", at: 10_000).record.status == .succeeded)
        #expect(again.store.counts.executionCount == 3)
    }

    @Test func aJobThatWasDeletedDoesNotKeepTheStoreFromStarting() throws {
        let again = try Self.deleted { driver in
            let outcomes = (
                try driver.deleteExecution("kept", "t", 1, at: 4), try driver.deleteJob("gone", force: true, at: 5)
            )
            #expect(outcomes.0.refusal == nil && outcomes.1.refusal == nil)
        }
        #expect(again.store.counts.executionCount == 1)
    }

    /// A checkpoint before the first change says that the deletions it holds are those of all records so far.
    @Test func aCheckpointRightAfterAStartKnowsUpToWhereItsDeletionsGo() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try Self.open(directory)
        let driver = StoreDriver(store)
        try driver.create("j", on: ["t"], at: 1)
        try driver.deleteJob("j", force: true, key: IdempotencyKey(high: 1, low: 2), at: 2)
        let last = store.committer.durableSequence
        #expect(store.stop() == nil)
        let again = try Self.open(directory)
        #expect(again.checkpoint() == nil && again.stop() == nil)
        let facts = try StoreRecovery.facts(of: try directory.open(), at: 0)
        #expect(facts.deletionsSequence == last && last > 0)
    }

    // MARK: The stop

    private static func work(seed: UInt64) throws -> [RandomWorkload.Step] {
        try RandomWorkload.steps(seed: seed, count: 30, commandsPerStep: 4)
    }

    /// With `limits`, what the next start replays; what it comes to must not depend on it.
    private static func replayedCount(_ limits: CheckpointClock.StopLimits) throws -> Int {
        let directory = TemporaryStore(isOnDisk: false)
        let steps = try work(seed: 75)
        let store = try open(directory, .init(stop: limits))
        run(steps, on: store)
        let expected = StoreImage(of: store.memory)
        #expect(store.stop() == nil)
        let opened = try open(directory)
        #expect(StoreImage(of: opened.memory) == expected)
        #expect(opened.stop() == nil)
        return opened.recovery.replayedRecordCount
    }

    @Test func aStopFoldsALongJournal() throws {
        #expect(try Self.replayedCount(.init(recordCountLeftMax: 10)) == 0)
    }

    @Test func aStopLeavesAShortJournalAsItIs() throws {
        #expect(try Self.replayedCount(.init()) > 50)
    }

    @Test func aStopGivesUpWhatTakesTooLong() throws {
        #expect(try Self.replayedCount(.init(recordCountLeftMax: 10, nanoseconds: 0)) > 50)
    }
}

extension StoreDriver {
    /// How many things a job has, by its own count and by its list.
    fileprivate func summary(_ job: String) throws -> String {
        guard let shown = try self.job(job, at: 10_000) else { return "gone" }
        let listed = try listForJob(job, at: 10_000).page?.executions.map { "\($0.thingName) \($0.status)" }
        return "\(shown.targetCount) \(shown.processDetails) \(listed ?? [])"
    }
}
