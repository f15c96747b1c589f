import ErrandCore
import Synchronization

extension MemoryExecutionStore {
    /// Timers first, because they are promised within a second; then staged jobs, then rollouts.
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
            result.timedOutCount += fired.timedOut
            nextDue = min(nextDue, next ?? Int64.max)
        }
        budget -= jobs.withLock { $0.dropAbandoned(at: nowMilliseconds, limit: budget) }
        while budget > 0, let job = jobs.withLock({ $0.nextRollout }) {
            let queuedCount = rollOut(job, limit: budget, at: nowMilliseconds)
            if queuedCount < budget { jobs.withLock { $0.endRollout(of: job) } }
            budget -= queuedCount
            result.queuedCount += queuedCount
        }
        let (nextStaged, isRollingOut) = jobs.withLock { ($0.nextStagedDeadline, $0.nextRollout != nil) }
        nextDue = min(nextDue, nextStaged ?? Int64.max, isRollingOut ? nowMilliseconds : Int64.max)
        result.nextDueMilliseconds = earliestDue.endAdvance(nextDue: nextDue)
        return result
    }
}
