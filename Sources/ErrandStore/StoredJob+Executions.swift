import ErrandCore
import Synchronization

/// What happens to a job when one of its executions changes. The caller holds the execution's stripe.
///
/// The execution's event, which the caller has made ready, is appended here under the job's lock, before those of what
/// it brings about.
extension StoredJob {
    enum Moved {
        /// The job was swept after the caller had looked: decide anew.
        case raced
        case done
        /// The attempt failed and this one follows it, at that position of the job's executions.
        case retried(ExecutionRecord, position: UInt32)
        /// It was one failure too many; the job is canceled.
        case aborted
    }

    /// A stored execution got another status, `record.status`. If a retry follows, it will live at `next`.
    func executionMoved(
        from old: JobExecutionStatus, to record: borrowing ExecutionRecord, event: FeedEvent, seen: SweepFlags,
        next: ExecutionReference, rules: ExecutionRules, at now: Int64
    ) -> Moved {
        let new = record.status
        let copy = copy record
        return state.withLock { state in
            guard sweepFlags == seen else { return .raced }
            changes.append(event)
            state.counts[old] -= 1
            state.attempts[old] -= 1
            state.attempts[new] += 1
            let criteria = state.configuration.retryCriteria
            if state.status == .inProgress, let retry = rules.retry(of: copy, criteria: criteria) {
                state.counts[.queued] += 1
                state.attempts[.queued] += 1
                state.executions.append(next)
                changes.append(
                    FeedEvent(retry, from: nil, by: .service, job: identity, thingName: event.thingName))
                return .retried(retry, position: UInt32(state.executions.count - 1))
            }
            state.counts[new] += 1
            guard new.isTerminal else { return .done }
            if state.status == .inProgress, let comment = state.abortComment {
                cancel(
                    &state, force: false, actor: .service, reasonCode: Self.abortReasonCode, comment: comment, at: now)
                return .aborted
            }
            completeIfDone(&state, at: now)
            return .done
        }
    }

    static let abortReasonCode = "ABORT_CRITERION"

    /// A target gets its execution: where it stands in the job's list; nothing if it is not to be queued any more.
    func executionQueued(_ reference: ExecutionReference, target: UInt32, event: FeedEvent) -> UInt32? {
        state.withLock { state in
            // When none waits any more, this one has left, and the targets no longer remember who did.
            guard sweepFlags.isEmpty, state.notYetQueuedCount > 0, !state.targets.isExcluded(target) else {
                return nil
            }
            changes.append(event)
            state.executions.append(reference)
            state.counts[.queued] += 1
            state.attempts[.queued] += 1
            state.notYetQueuedCount -= 1
            if state.notYetQueuedCount == 0 { state.targets.dropIndex() }
            return UInt32(state.executions.count - 1)
        }
    }

    /// A target leaves before it was queued. Returns whether there was one to leave.
    func unqueuedTargetRemoved(_ name: ThingName, at now: Int64) -> Bool {
        state.withLock { state in
            guard sweepFlags.isEmpty, state.notYetQueuedCount > 0, state.targets.exclude(name) else { return false }
            state.notYetQueuedCount -= 1
            if state.notYetQueuedCount == 0 { state.targets.dropIndex() }
            state.touch(at: now)
            completeIfDone(&state, at: now)
            return true
        }
    }

    /// An attempt is deleted. `latestBefore` is what the thing counts as from now on; both are nothing for an attempt
    /// that was not the thing's latest. Returns false if the job was swept after the caller had looked.
    func executionDeleted(
        at position: UInt32, status: JobExecutionStatus, wasLatest: Bool, latestBefore: JobExecutionStatus?,
        event: FeedEvent, seen: SweepFlags, now: Int64
    ) -> Bool {
        state.withLock { state in
            guard sweepFlags == seen else { return false }
            changes.append(event)
            state.executions[Int(position)] = .deleted
            state.attempts[status] -= 1
            if wasLatest {
                state.counts[status] -= 1
                if let latestBefore { state.counts[latestBefore] += 1 }
                if state.notYetQueuedCount > 0 { _ = state.targets.exclude(event.thingName) }
            }
            guard !seen.contains(.deleted) else { return true }
            state.touch(at: now)
            completeIfDone(&state, at: now)
            return true
        }
    }

    // MARK: Rollout

    /// The next targets to queue; none when all have been handed out or no more are permitted now. Each is handed out
    /// once.
    func takeTargets(atMost limit: Int, minute: Int64, at now: Int64) -> [(name: ThingName, offset: UInt32)] {
        state.withLock { state in
            guard sweepFlags.isEmpty, state.notYetQueuedCount > 0 else { return [] }
            var count = limit
            if let config = state.configuration.rollout {
                let permitted = state.rolloutWindow.permitted(
                    by: config, notifiedCount: state.notifiedCount, succeededCount: state.counts[.succeeded],
                    minute: minute, at: now)
                count = min(count, permitted)
            }
            var targets: [(name: ThingName, offset: UInt32)] = []
            targets.reserveCapacity(count)
            while targets.count < count, let target = state.targets.next(&state.rollout) { targets.append(target) }
            state.notifiedCount += UInt32(targets.count)
            if state.configuration.rollout != nil { state.rolloutWindow.queued(targets.count, at: now) }
            return targets
        }
    }

    /// When the next targets are to be queued; nothing when there are no more.
    func nextRolloutDue(minute: Int64, at now: Int64) -> Int64? {
        state.withLock { state in
            guard sweepFlags.isEmpty, state.notYetQueuedCount > 0, !state.targets.isAtEnd(state.rollout) else {
                return nil
            }
            guard let config = state.configuration.rollout else { return now }
            let permitted = state.rolloutWindow.permitted(
                by: config, notifiedCount: state.notifiedCount, succeededCount: state.counts[.succeeded],
                minute: minute, at: now)
            guard permitted == 0 else { return now }
            return state.rolloutWindow.nextChange(minute: minute, isExponential: config.exponentialRate != nil)
        }
    }
}

extension StoredJob.State {
    /// Why the job is to be aborted now; nothing if it is not.
    fileprivate var abortComment: String? {
        guard !configuration.abortCriteria.isEmpty else { return nil }
        let finishedCount = counts.finishedCount
        for (index, criterion) in configuration.abortCriteria.enumerated() {
            let failedCount = counts.count(of: criterion.failureType)
            guard criterion.fires(failedCount: failedCount, executedCount: finishedCount) else { continue }
            return "abort criterion \(index + 1): \(failedCount) of \(finishedCount) finished things count as "
                + "\(criterion.failureType)"
        }
        return nil
    }
}
