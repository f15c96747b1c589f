import ErrandCore
import Synchronization

/// What happens to a job when one of its executions changes. The caller holds the execution's stripe.
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

    /// A stored execution got another status, `record.status`, which is what `event` says. If a retry follows, it will
    /// live at `next`.
    func executionMoved(
        from old: JobExecutionStatus, to record: borrowing ExecutionRecord, seen: SweepFlags, next: ExecutionReference,
        event: JobExecutionEvent, rules: ExecutionRules, at now: Int64
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
                if let thingName = event.thingName { noteQueued(retry, on: thingName) }
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
    func executionQueued(
        _ record: ExecutionRecord, on thingName: ThingName, _ reference: ExecutionReference, target: UInt32
    ) -> UInt32? {
        state.withLock { state in
            guard sweepFlags.isEmpty, !state.targets.isExcluded(target) else { return nil }
            state.executions.append(reference)
            state.counts[.queued] += 1
            state.attempts[.queued] += 1
            state.notYetQueuedCount -= 1
            if state.notYetQueuedCount == 0 { state.targets.dropIndex() }
            noteQueued(record, on: thingName)
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
            note(from: state.status, state, by: .fleetOperator)
            completeIfDone(&state, at: now)
            return true
        }
    }

    /// An attempt is deleted, which is what `event` says. `latestBefore` is what the thing counts as from now on; both are nothing for an attempt
    /// that was not the thing's latest. Returns false if the job was swept after the caller had looked.
    func executionDeleted(
        at position: UInt32, status: JobExecutionStatus, wasLatest: Bool, latestBefore: JobExecutionStatus?,
        thingName: ThingName, event: JobExecutionEvent, seen: SweepFlags, now: Int64
    ) -> Bool {
        state.withLock { state in
            guard sweepFlags == seen else { return false }
            changes.append(event)
            state.executions[Int(position)] = .deleted
            state.attempts[status] -= 1
            if wasLatest {
                state.counts[status] -= 1
                if let latestBefore { state.counts[latestBefore] += 1 }
                if state.notYetQueuedCount > 0 { _ = state.targets.exclude(thingName) }
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
