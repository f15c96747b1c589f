import ErrandCore
import ErrandStore
import Foundation
import Synchronization
import Testing

/// Many threads on one store. The outcomes are counted; whatever the interleaving, the sums are known.
@Suite(.timeLimit(.minutes(1)))
struct ConcurrencyTests {
    /// All threads try to finish the same executions with the same expectedVersion, each in its own way, some by
    /// cancel, while one thread advances and one watches the counters.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func exactlyOneOfRacingFinishersWins(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<500).map { "t\($0)" }
        try store.create("j", on: things)
        let wins = Box(Mutex([String: Int]()))
        let watched = Box(Atomic(true))
        runThreads(8) { number in
            for thing in things {
                if number == 6 { _ = store.store.advance(to: 10, limit: 100) }
                if number == 7 {
                    guard let job = try? store.job("j", at: 10) else { continue }
                    let sum = job.processDetails.total + job.notYetQueuedCount
                    if sum != 500 { watched.value.store(false, ordering: .relaxed) }
                    continue
                }
                let outcome: StoreOutcome?
                if number % 2 == 0 {
                    outcome = try? store.cancel("j", thing, force: true, expectedVersion: 1, at: 10)
                } else {
                    let status: JobExecutionStatus = number == 1 ? .succeeded : .failed
                    outcome = try? store.update("j", thing, status, expectedVersion: 1, at: 10)
                }
                if outcome?.change != nil {
                    wins.value.withLock { $0[thing, default: 0] += 1 }
                } else if outcome?.refusal?.code != .versionMismatch {
                    watched.value.store(false, ordering: .relaxed)
                }
            }
        }
        let onlyExpectedOutcomes = watched.value.load(ordering: .relaxed)
        #expect(onlyExpectedOutcomes)
        #expect(wins.value.withLock { $0 } == Dictionary(uniqueKeysWithValues: things.map { ($0, 1) }))
        let job = try #require(try store.job("j", at: 11))
        #expect(job.status == .completed && job.processDetails.total == 500 && job.processDetails.openCount == 0)
    }

    /// Reports without expectedVersion all count: the version says how many were applied.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func everyAppliedReportRaisesTheVersionByOne(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b"])
        runThreads(8) { _ in
            for round in 0..<500 as Range<Int64> {
                _ = try? store.update("j", round % 2 == 0 ? "a" : "b", .inProgress, step: 5, at: round)
            }
        }
        #expect(try store.execution("j", "a", at: 1).record.versionNumber == 2001)
        #expect(try store.execution("j", "b", at: 1).record.versionNumber == 2001)
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func jobCreatedByManyAtOnceExistsOnce(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<6000).map { "t\($0)" }
        let refusalCount = Box(Atomic(0))
        runThreads(6) { number in
            for round in 0..<5 {
                let outcome = try? store.create("j\(round)", on: things)
                if outcome?.receipt != JobTargetsReceipt(targetsReceived: 6000, isComplete: true) {
                    refusalCount.value.add(1, ordering: .relaxed)
                }
                if number < 2 { _ = store.store.advance(to: 0, limit: 500) }
            }
        }
        while store.store.advance(to: 0, limit: 5000).nextDueMilliseconds != nil {}
        let refusals = refusalCount.value.load(ordering: .relaxed)
        #expect(refusals == 0)
        #expect(store.store.counts == StoreCounts(jobCount: 5, executionCount: 30_000))
        for round in 0..<5 {
            let job = try #require(try store.job("j\(round)", at: 0))
            #expect(job.processDetails[.queued] == 6000 && job.notYetQueuedCount == 0)
        }
    }

    /// Whoever waits for what `advance` said, or was told of something earlier, is never late.
    @Test(arguments: StoreUnderTest.withoutRestarts)
    func noDeadlineIsLostBetweenAdvanceAndAnnouncement(_ subject: StoreUnderTest) throws {
        let store = subject.make(minuteLengthMilliseconds: 10)
        let told = Box(Atomic<Int64>(.max))
        store.store.onEarlierDue { due in _ = told.value.min(due, ordering: .sequentiallyConsistent) }
        let things = (0..<400).map { "t\($0)" }
        try store.create("j", on: things)
        let due = Box(Atomic<Int64>(.max))
        runThreads(4) { number in
            for index in 0..<100 {
                if number == 3 {
                    // Time stands still, so nothing is due before all have started.
                    let next = store.store.advance(to: 0, limit: 100).nextDueMilliseconds ?? .max
                    due.value.store(next, ordering: .sequentiallyConsistent)
                } else {
                    let step = Int64((index * 37 + number * 11) % 90 + 1)
                    _ = try? store.update("j", things[number * 100 + index], .inProgress, step: step, at: 0)
                }
            }
        }
        let earliest = Int64(things.indices.filter { $0 < 300 }.map { ($0 % 100 * 37 + $0 / 100 * 11) % 90 + 1 }.min()!)
        let known = min(due.value.load(ordering: .relaxed), told.value.load(ordering: .relaxed))
        #expect(known <= earliest * 10)
    }
}

/// Runs `body` on that many threads at once and waits for all of them.
func runThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let done = DispatchGroup()
    for number in 0..<count {
        done.enter()
        Thread.detachNewThread {
            body(number)
            done.leave()
        }
    }
    done.wait()
}
