import ErrandCore
import Synchronization

/// Calls on a job as a whole. Those that change it remember their idempotency key.
extension StoredJob {
    /// Whether a call has left executions to be worked off.
    struct Operated {
        var outcome: StoreOutcome
        var needsSweep = false
    }

    func cancel(_ request: CancelJobRequest, at now: Int64) -> Operated {
        let fingerprint = request.idempotencyKey == nil ? 0 : request.fingerprint
        return state.withLock { state in
            if let outcome = state.calls.replay(request.idempotencyKey, fingerprint) {
                return Operated(outcome: outcome)
            }
            let needsSweep: Bool
            switch state.status {
            case .completed, .deletionInProgress:
                return Operated(outcome: .refused(transitionRefusal(state.status, "cannot be canceled")))
            case .canceled:
                // As stored: a straggler is one that no sweep, done or under way, has been told to end.
                needsSweep = request.force && !sweepFlags.contains(.forced) && state.counts[.inProgress] > 0
            case .inProgress:
                needsSweep = true
            }
            guard needsSweep else { return Operated(outcome: outcome(state)) }
            let event = cancel(
                &state, force: request.force, actor: .fleetOperator, reasonCode: request.reasonCode,
                comment: request.comment, at: now)
            let outcome = outcome(state)
            state.calls.remember(request.idempotencyKey, fingerprint, outcome)
            recordDecisions(event, &state)
            return Operated(outcome: outcome, needsSweep: true)
        }
    }

    /// Ends what is open, as far as `force` allows; what is stored of the executions follows. Returns the event, which is
    /// yet to be recorded.
    func cancel(
        _ state: inout State, force: Bool, actor: HistoryActor, reasonCode: String?, comment: String?, at now: Int64
    ) -> JobEvent {
        let old = state.status
        let isFirst = old != .canceled
        state.status = .canceled
        state.touch(at: now)
        if isFirst || reasonCode != nil { state.reasonCode = reasonCode }
        if isFirst || comment != nil { state.comment = comment }
        state.forceCanceled = state.forceCanceled || force
        if isFirst {
            state.sweep.canceledAt = now
            state.sweep.cancelWasForced = force
        }
        if force { state.sweep.forcedAt = now }
        if isFirst { state.sweep.actor = actor }
        state.sweep.position = 0
        state.targets.dropIndex()
        addSweepFlags(force ? [.canceled, .forced] : .canceled)
        return JobEvent(old, .canceled, by: actor, at: state.lastUpdatedAt)
    }

    /// Why the job cannot be deleted; nothing if from now on it is being deleted.
    func beginDeletion(_ request: DeleteJobRequest, _ call: KeyedCall?, at now: Int64) -> Refusal? {
        state.withLock { state in
            switch state.status {
            case .deletionInProgress: return transitionRefusal(state.status, "is being deleted already")
            case .inProgress where !request.force:
                return transitionRefusal(state.status, "is deleted only with force")
            case .inProgress, .completed, .canceled: break
            }
            let old = state.status
            state.status = .deletionInProgress
            state.touch(at: now)
            state.sweep.position = 0
            state.targets.dropIndex()
            addSweepFlags(.deleted)
            recordDecisions(
                JobEvent(old, .deletionInProgress, by: .fleetOperator, at: state.lastUpdatedAt), &state, deletion: call)
            return nil
        }
    }

    func update(_ request: UpdateJobRequest, at now: Int64) -> StoreOutcome {
        let fingerprint = request.idempotencyKey == nil ? 0 : request.fingerprint
        return state.withLock { state in
            if let outcome = state.calls.replay(request.idempotencyKey, fingerprint) { return outcome }
            guard state.status == .inProgress else {
                return .refused(transitionRefusal(state.status, "cannot be changed"))
            }
            if let description = request.description { state.description = description }
            if let minutes = request.inProgressTimeoutInMinutes {
                state.configuration.inProgressTimeoutInMinutes = minutes
                setInProgressTimeout(minutes)
            }
            if let rollout = request.rollout {
                state.configuration.rollout = rollout
                state.rolloutWindow.forgetRate()
            }
            if let criteria = request.abortCriteria { state.configuration.abortCriteria = criteria }
            if request.endsRetries {
                for index in state.configuration.retryCriteria.indices {
                    state.configuration.retryCriteria[index].numberOfRetries = 0
                }
            }
            state.touch(at: now)
            let outcome = outcome(state)
            state.calls.remember(request.idempotencyKey, fingerprint, outcome)
            recordDecisions(
                JobEvent(state.status, state.status, by: .fleetOperator, at: state.lastUpdatedAt), &state)
            return outcome
        }
    }

    /// The first outcome of a removal of targets; or why it cannot be done; nothing if it is to be done.
    func replay(_ request: RemoveJobTargetsRequest, _ fingerprint: UInt64) -> StoreOutcome? {
        state.withLock { state in
            if let outcome = state.calls.replay(request.idempotencyKey, fingerprint) { return outcome }
            guard state.status != .deletionInProgress else {
                return .refused(transitionRefusal(state.status, "has no targets any more"))
            }
            return nil
        }
    }

    func remember(_ key: IdempotencyKey?, _ fingerprint: UInt64, _ outcome: StoreOutcome) {
        guard key != nil else { return }
        state.withLock { state in
            state.calls.remember(key, fingerprint, outcome)
            recordDecisions(&state)
        }
    }

    /// The next executions to work off, and the position of the first; none when all have been handed out.
    func takeSweepChunk(atMost limit: Int) -> (start: Int, references: [ExecutionReference]) {
        state.withLock { state in
            let start = state.sweep.position
            let references = Array(state.executions[start...].prefix(limit))
            state.sweep.position += references.count
            return (start, references)
        }
    }

    var sweep: JobSweep { state.withLock { $0.sweep } }

    var isSwept: Bool { state.withLock { $0.sweep.position >= $0.executions.count } }

    /// Whether its last execution is gone.
    var isEmptied: Bool { state.withLock { sweepFlags.contains(.deleted) && $0.attempts.total == 0 } }

    func outcome(_ state: borrowing State) -> StoreOutcome {
        described(state).map { .job($0) } ?? .refused(MemoryExecutionStore.noJob(id))
    }

    private func transitionRefusal(_ status: JobStatus, _ reason: String) -> Refusal {
        Refusal(.invalidStateTransition, "job \(id) is \(status) and \(reason)")
    }
}
