import ErrandCore
import Synchronization
import Testing

@testable import ErrandStore

/// Finished executions leave memory at the very moment in which they are asked for: they are found all the same.
@Suite(.timeLimit(.minutes(1)))
struct DepartureRaceTests {
    private static let thingCount = 60

    private final class Findings: Sendable {
        let isDone = Atomic(false)
        let departedCount = Atomic(0)
        let missed = Mutex<[String]>([])

        func expect(_ isFound: Bool, _ what: String) { if !isFound { missed.withLock { $0.append(what) } } }
    }

    /// A page of a job's list ends between the attempts on a thing: the first does not come back without the second.
    @Test func attemptsComeBackTogether() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try DurableExecutionStore(
            try directory.open(), rules: RandomWorkload.rules, limits: StoreLimits(), at: 0, stripeCount: 4)
        let driver = StoreDriver(store)
        let retries = JobConfiguration(retryCriteria: [RetryCriterion(failureType: .failed, numberOfRetries: 1)])
        try driver.create("j", on: ["a", "b", "c"], retries, at: 1)
        for thing in ["a", "b", "c"] { try driver.update("j", thing, .failed, at: 2) }
        for thing in ["a", "b", "c"] { try driver.update("j", thing, .succeeded, at: 3) }
        #expect(store.checkpoint() == nil && store.letGo(finishedBefore: .max) == 6)
        let first = try #require(try driver.listForJob("j", max: 2, at: 4).page)
        #expect(first.executions.map(\.status) == [.failed, .failed])
        #expect(try driver.execution("j", "a", at: 4).record.executionNumber == 2)
        #expect(try driver.deleteExecution("j", "a", 2, at: 5).refusal == nil)
        let job = try driver.summedJob("j", at: 6)
        #expect(job.processDetails[.failed] == 1 && job.processDetails[.succeeded] == 2)
        #expect(store.stop() == nil)
    }

    @Test func whatIsJustLeavingIsFound() throws {
        let directory = TemporaryStore(isOnDisk: false)
        let store = try DurableExecutionStore(
            try directory.open(), rules: RandomWorkload.rules, limits: StoreLimits(), at: 0, stripeCount: 1)
        let driver = StoreDriver(store)
        let things = (0..<Self.thingCount).map { "t\($0)" }
        try driver.create("j", on: things, at: 1)
        for thing in things { try driver.update("j", thing, .succeeded, at: 2) }
        #expect(store.checkpoint() == nil)
        let findings = Findings()
        both(
            {
                while !findings.isDone.load(ordering: .acquiring) {
                    let count = store.letGo(finishedBefore: .max)
                    findings.departedCount.add(count, ordering: .relaxed)
                    // Refused reports stand in histories, whose rows must be up to date before they leave.
                    if count == 0 { findings.expect(store.checkpoint() == nil, "checkpoint") }
                }
            },
            {
                var round = 0
                // As long as it takes until some have left again after they came back.
                while round < 5 || findings.departedCount.load(ordering: .relaxed) <= Self.thingCount {
                    round += 1
                    for thing in things {
                        findings.expect(
                            (try? driver.describe("j", thing, at: 3))?.execution != nil, "describe \(thing)")
                        findings.expect(
                            (try? driver.update("j", thing, .inProgress, at: 3))?.refusal?.code
                                == .invalidStateTransition,
                            "update \(thing)")
                        findings.expect(
                            (try? driver.listForThing(thing, at: 3))?.page?.executions.count == 1, "list of \(thing)")
                        findings.expect(
                            (try? driver.removeTargets("j", [thing], at: 3))?.removedCount == 0, "removal of \(thing)")
                    }
                    let listed = (try? driver.listForJob("j", max: 50, at: 3))?.page?.executions.count
                    findings.expect(listed == 50, "list \(round)")
                }
                findings.isDone.store(true, ordering: .releasing)
            })
        #expect(findings.missed.withLock { $0 } == [])
        #expect(findings.departedCount.load(ordering: .relaxed) > Self.thingCount)
        #expect(store.stop() == nil)
    }
}
