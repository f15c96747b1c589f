import ErrandCore
import Synchronization

extension MemoryExecutionStore {
    /// Timers first, because they are promised within a second; then staged jobs, sweeps and rollouts.
    package func advance(to nowMilliseconds: Int64, limit: Int) -> AdvanceResult {
        earliestDue.beginAdvance()
        var turn = Turn(at: nowMilliseconds)
        var result = AdvanceResult()
        var budget = max(1, limit)
        var nextDue = Int64.max
        for stripe in stripes {
            let (fired, next) = stripe.content.withLock { stripe in
                let fired = stripe.fireDueTimers(limit: budget, &turn)
                return (fired, stripe.nextDeadline)
            }
            budget -= fired.looked
            if !turn.abortedJobs.isEmpty { sweepAborted(&turn) }
            result.timedOutCount += fired.timedOut
            nextDue = min(nextDue, next ?? Int64.max)
            changes.publishIfMany()
        }
        budget -= jobs.withLock { $0.dropAbandoned(at: nowMilliseconds, limit: budget) }
        while budget > 0, let job = jobs.withLock({ $0.nextSweep }) {
            budget -= max(1, sweep(job, limit: budget, &turn))
        }
        while budget > 0, let job = jobs.withLock({ $0.takeDueRollout(at: nowMilliseconds) }) {
            let queuedCount = rollOut(job, limit: min(budget, Self.rolloutSlice), &turn)
            endRollout(of: job, at: nowMilliseconds)
            budget -= max(1, queuedCount)
            result.queuedCount += queuedCount
        }
        changes.publish()
        let (nextStaged, nextRollout, isSweeping) = jobs.withLock {
            ($0.nextStagedDeadline, $0.nextRolloutDue(), $0.nextSweep != nil)
        }
        nextDue = min(
            nextDue, nextStaged ?? Int64.max, nextRollout ?? Int64.max, isSweeping ? nowMilliseconds : Int64.max)
        result.nextDueMilliseconds = earliestDue.endAdvance(nextDue: nextDue)
        return result
    }
}
