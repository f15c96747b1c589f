import ErrandCore
import Glibc
import Synchronization
import Testing

@testable import ErrandStore

/// An error of the disk at each write and each sync, one run for each: TARGETS R2. The error is one of the system's, made
/// below SQLite; each run proves that it came.
@Suite(.timeLimit(.minutes(5)))
struct StorageFaultTests {
    private static let refusedAsReadOnly = "read-only"

    /// What a run showed.
    private struct Run {
        var acknowledged: UInt64 = 0
        var wasOpened = false
        var seen = FailingDisk.Log()
        var callCountWhenOpened = 0
        var findings: [String] = []
    }

    private struct Plan {
        var steps: [RandomWorkload.Step]
        var expected: ExpectedStates
        /// After which step the journal is folded.
        var checkpointStep: Int
    }

    private func plan(seed: UInt64) throws -> Plan {
        let steps = try RandomWorkload.steps(seed: seed, count: 25, commandsPerStep: 8)
        let expected = try ExpectedStates(of: steps)
        #expect(steps.reduce(0) { $0 + $1.commands.count } == 200)
        return Plan(steps: steps, expected: expected, checkpointStep: 14)
    }

    @Test func nothingIsLostWhicheverWriteFails() throws { try failEach(with: EIO, seed: 21) }

    /// A write that finds no room is tried again when there is some; a sync that says so is as bad as any other.
    @Test func nothingIsLostWhicheverWriteFindsNoRoom() throws { try failEach(with: ENOSPC, seed: 22) }

    private func failEach(with error: Int32, seed: UInt64) throws {
        let plan = try plan(seed: seed)
        var index = 0
        var counts: [String: Int] = [:]
        while true {
            index += 1
            let directory = TemporaryStore(isOnDisk: false)
            let run = run(plan, in: directory, failing: index, with: error)
            guard let failed = run.seen.failed else {
                // The workload has fewer calls than that.
                #expect(run.findings.isEmpty && run.wasOpened)
                break
            }
            let place = "seed \(seed), call \(index): \(failed.kind) of \(failed.file)"
            #expect(run.findings.isEmpty, "\(place): \(run.findings)")
            counts["\(failed.kind) of \(failed.file)", default: 0] += 1
            let finding = examine(directory, plan, acknowledged: run.acknowledged)
            #expect(finding == nil, "\(place)")
        }
        print("storage faults: seed \(seed), error \(error), \(index - 1) runs: \(counts.sorted { $0.key < $1.key })")
        #expect(index > 150 && counts["sync of errand.db-wal", default: 0] > 25)
    }

    private func run(_ plan: Plan, in directory: TemporaryStore, failing index: Int, with error: Int32) -> Run {
        var run = Run()
        let disk = FailingDisk(directory.path, failing: index, with: error)
        do {
            // Nobody waits for room: the disk has some again at once.
            let tuning = DurableExecutionStore.Tuning(retryAfterDelay: { $0() }, checkpointPause: {})
            let store = try DurableExecutionStore(
                try JournalDatabase.open(directory: directory.path, create: true), rules: RandomWorkload.rules,
                limits: StoreLimits(), at: 0, stripeCount: 1, tuning: tuning)
            run.wasOpened = true
            run.callCountWhenOpened = disk.seen.callCount
            serve(plan, store, disk, &run)
            _ = store.stop()
        } catch {
            if disk.seen.failed == nil { run.findings.append("the start failed by itself: \(error)") }
        }
        run.seen = disk.seen
        lookAtCalls(&run)
        return run
    }

    /// Makes the calls one step after the other, and looks at what is answered after the fault.
    private func serve(_ plan: Plan, _ store: DurableExecutionStore, _ disk: FailingDisk, _ run: inout Run) {
        run.acknowledged = store.committer.durableSequence
        let driver = StoreDriver(store)
        for (index, step) in plan.steps.enumerated() {
            let wasRunning = store.committer.isRunning
            if store.settle(to: step.now), wasRunning { run.acknowledged = store.committer.lastSequence }
            let runsNow = store.committer.isRunning
            let before = store.committer.durableSequence
            let outcomes = driver.outcomes(of: step.commands, at: step.now)
            if store.committer.isRunning {
                run.acknowledged = store.committer.durableSequence
                if runsNow, store.committer.lastSequence > before, run.acknowledged == before {
                    run.findings.append("step \(index) was acknowledged before it was durable")
                }
            } else if runsNow {
                // Some or all of this step was not stored; what was a change must not look as if it had been made.
                check(outcomes, of: step, &run, isUncertain: true)
            } else {
                check(outcomes, of: step, &run, isUncertain: false)
            }
            if index == plan.checkpointStep { _ = store.checkpoint() }
        }
        if !store.committer.isRunning { lookAtReads(store, plan, &run) }
    }

    private func check(_ outcomes: [StoreOutcome], of step: RandomWorkload.Step, _ run: inout Run, isUncertain: Bool) {
        for (outcome, command) in zip(outcomes, step.commands) where command.isChange {
            guard let refusal = outcome.refusal else {
                // The sync was the last call that could fail, or the group was stored and only the care after it failed.
                run.findings.append("a change was acknowledged after the fault: \(command)")
                continue
            }
            guard !isUncertain else { continue }
            if refusal.code != .unavailable || !refusal.message.contains(Self.refusedAsReadOnly) {
                run.findings.append("a change was refused with \(refusal.code): \(refusal.message)")
            }
        }
    }

    /// What is durable can be read on.
    private func lookAtReads(_ store: DurableExecutionStore, _ plan: Plan, _ run: inout Run) {
        let driver = StoreDriver(store)
        var readCount = 0
        let durable = store.committer.durableSequence
        guard let state = plan.expected.states[durable] else {
            run.findings.append("the fault came at \(durable), between two steps")
            return
        }
        for stripe in store.memory.stripes {
            let shown = stripe.content.withLock { stripe in
                stripe.slots.filter {
                    $0.job !== StoredJob.vacant && $0.lastSequence <= durable && $0.job.sweepFlags.isEmpty
                }
                .map { ($0.job.id, stripe.things.name(of: $0.thing), $0.record) }
            }
            for (job, thing, record) in shown where record.deadlineMilliseconds.map({ $0 > state.now }) != false {
                let outcome = try? driver.describe(
                    job.description, thing.description, number: record.executionNumber, at: state.now)
                readCount += 1
                if outcome?.execution?.record != record { run.findings.append("\(job) \(thing) cannot be read") }
            }
        }
        if durable > 60, readCount == 0 { run.findings.append("there was nothing to read") }
    }

    /// The failed sync is not tried again, nor is anything written after it.
    private func lookAtCalls(_ run: inout Run) {
        guard let failed = run.seen.failed, run.wasOpened, run.seen.callCount > run.callCountWhenOpened else { return }
        guard failed.kind == .sync else { return }
        for call in run.seen.afterFailure where call.file.hasPrefix("errand.db") {
            run.findings.append("after the failed sync there was a \(call.kind) of \(call.file)")
        }
    }

    /// What a restart without a fault finds.
    private func examine(_ directory: TemporaryStore, _ plan: Plan, acknowledged: UInt64) -> String? {
        do {
            let store = try DurableExecutionStore(
                directory: directory.path, rules: RandomWorkload.rules, at: 0, stripeCount: 1)
            guard store.committer.lastSequence >= acknowledged else {
                return "\(acknowledged) was acknowledged, \(store.committer.lastSequence) is there"
            }
            return plan.expected.mismatch(of: store)
        } catch {
            return "the restart failed: \(error)"
        }
    }
}
