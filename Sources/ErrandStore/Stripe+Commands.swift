import ErrandCore

/// The calls on single executions. Each first fires the execution's due timer, then decides, then stores.
extension Stripe {
    mutating func describe(
        _ request: borrowing DescribeJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        guard
            let slot = slot(
                of: request.jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber)
        else {
            return .refused(
                notFound(request.jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
        }
        fireDueTimer(of: slot, &turn)
        return .execution(view(of: slot, on: request.thingName, includeJobDocument: false, at: turn.now))
    }

    mutating func describeOwn(
        _ request: borrowing DescribeOwnJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        guard let jobId = request.jobId else {
            guard let thing = things.index(of: request.thingName, hash: hash), let slot = head(of: thing, &turn) else {
                return .execution(nil)
            }
            let document = request.includeJobDocument
            return .execution(view(of: slot, on: request.thingName, includeJobDocument: document, at: turn.now))
        }
        guard
            let slot = slot(of: jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber)
        else {
            return .refused(notFound(jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
        }
        fireDueTimer(of: slot, &turn)
        let record = slots[slot].record
        guard !record.status.isTerminal else {
            return .refused(
                Refusal(
                    .terminalState,
                    "the execution is \(record.status), which is final; a device describes only open executions",
                    executionState: record.state))
        }
        let document = request.includeJobDocument
        return .execution(view(of: slot, on: request.thingName, includeJobDocument: document, at: turn.now))
    }

    mutating func update(
        _ request: borrowing UpdateJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        guard
            let slot = slot(
                of: request.jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber)
        else {
            return .refused(
                notFound(request.jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
        }
        fireDueTimer(of: slot, &turn)
        let decision = rules.update(
            slots[slot].record, copy request,
            inProgressTimeoutInMinutes: slots[slot].job.inProgressTimeoutInMinutes, at: turn.now)
        return apply(
            decision, to: slot, includeState: request.includeJobExecutionState,
            includeJobDocument: request.includeJobDocument, &turn)
    }

    mutating func cancel(
        _ request: borrowing CancelJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        guard
            let slot = slot(
                of: request.jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber)
        else {
            return .refused(
                notFound(request.jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
        }
        fireDueTimer(of: slot, &turn)
        let decision = rules.cancel(slots[slot].record, copy request, at: turn.now)
        return apply(decision, to: slot, includeState: false, includeJobDocument: false, &turn)
    }

    mutating func startNext(
        _ request: borrowing StartNextPendingJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        guard let thing = things.index(of: request.thingName, hash: hash), let slot = head(of: thing, &turn) else {
            return .execution(nil)
        }
        let decision = rules.start(
            slots[slot].record, copy request,
            inProgressTimeoutInMinutes: slots[slot].job.inProgressTimeoutInMinutes, at: turn.now)
        switch decision {
        case .changed(let record): replace(slot, with: record, &turn)
        case .unchanged: break
        case .refused(let refusal): return .refused(refusal)
        }
        return .execution(view(of: slot, on: request.thingName, includeJobDocument: true, at: turn.now))
    }

    private mutating func apply(
        _ decision: ExecutionRules.Decision, to slot: Int, includeState: Bool, includeJobDocument: Bool,
        _ turn: inout Turn
    ) -> StoreOutcome {
        switch decision {
        case .changed(let record): replace(slot, with: record, &turn)
        case .unchanged: break
        case .refused(let refusal): return .refused(refusal)
        }
        let record = slots[slot].record
        let change = JobExecutionChange(
            status: record.status, versionNumber: record.versionNumber, executionNumber: record.executionNumber,
            lastUpdatedAtMilliseconds: record.lastUpdatedAtMilliseconds,
            statusDetails: includeState ? record.statusDetails : nil)
        return .changed(change, jobDocument: includeJobDocument ? slots[slot].job.document : nil)
    }

    private func view(
        of slot: Int, on thingName: ThingName, includeJobDocument: Bool, at now: Int64
    ) -> StoredExecutionView {
        let execution = slots[slot]
        return StoredExecutionView(
            jobId: execution.job.id, thingName: thingName, record: execution.record,
            approximateSecondsBeforeTimedOut: execution.record.approximateSecondsBeforeTimedOut(at: now),
            jobDocument: includeJobDocument ? execution.job.document : nil)
    }
}
