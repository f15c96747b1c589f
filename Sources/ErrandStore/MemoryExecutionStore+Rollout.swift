import ErrandCore
import Synchronization

extension MemoryExecutionStore {
    /// How many targets of one job `advance` queues before other jobs have their turn.
    static let rolloutSlice = 1024

    /// Queues the first targets within the call; the rest is left to `advance`.
    func beginRollout(of job: StoredJob, _ turn: inout Turn) {
        _ = rollOut(job, limit: ServerLimits.promptTargetCountMax, &turn)
        if let due = endRollout(of: job, at: turn.now) { turn.willBeDue(at: due) }
    }

    /// Queues the job's next targets, at most `limit`; fewer only if there are no more or its rate permits no more now. The
    /// caller alone does so, until `endRollout`.
    func rollOut(_ job: StoredJob, limit: Int, _ turn: inout Turn) -> Int {
        var queuedCount = 0
        while queuedCount < limit {
            let targets = job.takeTargets(
                atMost: min(64, limit - queuedCount), minute: rules.minuteLengthMilliseconds, at: turn.now)
            if targets.isEmpty { break }
            for target in targets {
                let (stripe, hash) = stripe(of: target.name)
                stripe.content.withLock { $0.enqueue(job, on: target, hash: hash, &turn) }
            }
            queuedCount += targets.count
            changes.publishIfMany()
        }
        return queuedCount
    }

    /// Leaves the rest of the targets to `advance`, and says when.
    @discardableResult
    func endRollout(of job: StoredJob, at now: Int64) -> Int64? {
        job.state.withLock { $0.isRollingOut = false }
        return scheduleNextRollout(of: job, at: now)
    }

    /// Says when the next targets are due; nothing if somebody is queueing some, who will see to it.
    func scheduleNextRollout(of job: StoredJob, at now: Int64) -> Int64? {
        guard let due = job.nextRolloutDue(minute: rules.minuteLengthMilliseconds, at: now) else { return nil }
        jobs.withLock { $0.scheduleRollout(of: job, at: due) }
        return due
    }
}
