import ErrandCore

/// The calls on single executions. Each first brings the execution up to date, then decides, then stores; and decides
/// anew if the execution's job was swept meanwhile.
extension Stripe {
    /// Decides the describe at `place` of the lane, which keeps the outcome.
    mutating func describe(_ place: Int, hash: UInt32, _ lane: inout DescribeLane, _ turn: inout Turn) {
        let number = lane.executionNumber(of: place)
        while let slot = slot(
            of: lane.jobId(of: place), on: lane.thingName(of: place), hash: hash, executionNumber: number)
        {
            // Nearly always nothing is due, and then nothing else is looked at or copied.
            if isSettled(slot, at: turn.now) { return describe(slot, place, &lane, &turn) }
            let thing = slots[slot].thing
            let newest = things.newestSlot(of: thing)
            guard settle(slot, &turn) != nil else { continue }
            // It may just have timed out and been followed by a retry.
            if number != nil || things.newestSlot(of: thing) == newest { return describe(slot, place, &lane, &turn) }
        }
        do throws(InvalidField) {
            try JobId.check(lane.jobId(of: place))
            try ThingName.check(lane.thingName(of: place))
        } catch {
            return lane.refuse(Refusal(error), of: place)
        }
        let (jobId, thingName) = (JobId(stored: lane.jobId(of: place)), ThingName(stored: lane.thingName(of: place)))
        dependOnAbsence(of: jobId, on: thingName, hash: hash, &turn)
        lane.refuse(notFound(jobId, thingName, hash: hash, executionNumber: number), of: place)
    }

    private func describe(_ slot: Int, _ place: Int, _ lane: inout DescribeLane, _ turn: inout Turn) {
        // Borrowed from a span, so that no reference is counted.
        let slots = slots.span
        turn.depends(on: slots[slot].lastSequence)
        let areFew = lane.keep(
            slots[slot].record.facts, ifFew: slots[slot].record.statusDetails.flat.span.bytes,
            detailsCount: slots[slot].record.statusDetails.count, at: turn.now, of: place)
        if !areFew { lane.keep(slots[slot].record, at: turn.now, of: place) }
    }

    mutating func describeOwn(
        _ request: borrowing DescribeOwnJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        let document = request.includeJobDocument
        guard let jobId = request.jobId else {
            guard let thing = things.index(of: request.thingName, hash: hash), let head = head(of: thing, &turn) else {
                return .execution(nil)
            }
            return .execution(view(of: head.slot, on: request.thingName, includeJobDocument: document, at: turn.now))
        }
        guard
            let found = find(
                jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber, &turn)
        else {
            return .refused(notFound(jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
        }
        guard !slots[found.slot].record.status.isTerminal else {
            let record = slots[found.slot].record
            return .refused(
                Refusal(
                    .terminalState,
                    "the execution is \(record.status), which is final; a device describes only open executions",
                    executionState: record.state))
        }
        return .execution(view(of: found.slot, on: request.thingName, includeJobDocument: document, at: turn.now))
    }

    mutating func update(
        _ request: borrowing UpdateJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        var keyed: KeyedCall?
        if let key = request.idempotencyKey {
            let call = KeyedCall(
                key: key, fingerprint: request.fingerprint, includesState: request.includeJobExecutionState)
            if let outcome = replay(
                call, request.jobId, on: request.thingName, hash: hash,
                includeJobDocument: request.includeJobDocument, &turn)
            {
                return outcome
            }
            keyed = call
        }
        while true {
            guard
                let found = find(
                    request.jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber, &turn)
            else {
                return .refused(
                    notFound(request.jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
            }
            let slot = found.slot
            prefetchForChange(slot)
            let decision = rules.update(
                slots[slot].record, request,
                inProgressTimeoutInMinutes: slots[slot].job.inProgressTimeoutInMinutes, at: turn.now)
            switch decision {
            case .changed(let record):
                guard replace(slot, with: record, by: .device, for: keyed, seen: found.seen, &turn) else { continue }
            case .unchanged: break
            case .refused(let refusal):
                if refusal.code == .invalidStateTransition { noteRefused(request, slot, &turn) }
                return .refused(refusal)
            }
            return changed(
                slot, includeState: request.includeJobExecutionState, includeJobDocument: request.includeJobDocument)
        }
    }

    mutating func cancel(
        _ request: borrowing CancelJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        var keyed: KeyedCall?
        if let key = request.idempotencyKey {
            let call = KeyedCall(key: key, fingerprint: request.fingerprint)
            if let outcome = replay(
                call, request.jobId, on: request.thingName, hash: hash, includeJobDocument: false, &turn)
            {
                return outcome
            }
            keyed = call
        }
        while true {
            guard
                let found = find(
                    request.jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber, &turn)
            else {
                return .refused(
                    notFound(request.jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
            }
            switch rules.cancel(slots[found.slot].record, copy request, at: turn.now) {
            case .changed(let record):
                guard replace(found.slot, with: record, by: .fleetOperator, for: keyed, seen: found.seen, &turn)
                else { continue }
            case .unchanged: break
            case .refused(let refusal): return .refused(refusal)
            }
            return changed(found.slot, includeState: false, includeJobDocument: false)
        }
    }

    mutating func startNext(
        _ request: borrowing StartNextPendingJobExecutionRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        guard let thing = things.index(of: request.thingName, hash: hash) else { return .execution(nil) }
        var keyed: KeyedCall?
        if let key = request.idempotencyKey {
            let call = KeyedCall(key: key, fingerprint: request.fingerprint, includesState: true)
            if let outcome = replayStart(call, thing, on: request.thingName, &turn) { return outcome }
            keyed = call
        }
        while true {
            guard let head = head(of: thing, &turn) else { return .execution(nil) }
            let slot = head.slot
            let decision = rules.start(
                slots[slot].record, copy request,
                inProgressTimeoutInMinutes: slots[slot].job.inProgressTimeoutInMinutes, at: turn.now)
            switch decision {
            case .changed(let record):
                guard replace(slot, with: record, by: .device, for: keyed, seen: head.seen, &turn) else { continue }
            case .unchanged: break
            case .refused(let refusal): return .refused(refusal)
            }
            return .execution(view(of: slot, on: request.thingName, includeJobDocument: true, at: turn.now))
        }
    }

    /// Deletes one attempt.
    mutating func delete(
        _ request: borrowing DeleteJobExecutionRequest, _ call: KeyedCall?, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        while true {
            guard
                let found = find(
                    request.jobId, on: request.thingName, hash: hash, executionNumber: request.executionNumber, &turn)
            else {
                return .refused(
                    notFound(request.jobId, request.thingName, hash: hash, executionNumber: request.executionNumber))
            }
            if let refusal = rules.deletionRefusal(slots[found.slot].record, force: request.force) {
                return .refused(refusal)
            }
            if remove(found.slot, for: call, seen: found.seen, &turn) { return .executionDeleted }
        }
    }

    /// Takes a thing out of a job. Returns whether anything changed.
    mutating func removeTarget(of job: StoredJob, _ thingName: ThingName, hash: UInt32, _ turn: inout Turn) -> Bool {
        while true {
            guard let found = find(job.id, on: thingName, hash: hash, executionNumber: nil, &turn),
                slots[found.slot].job === job
            else {
                return job.unqueuedTargetRemoved(thingName, at: turn.now)
            }
            guard let record = rules.remove(slots[found.slot].record, at: turn.now) else { return false }
            if replace(found.slot, with: record, by: .fleetOperator, seen: found.seen, &turn) { return true }
        }
    }

    private func changed(_ slot: Int, includeState: Bool, includeJobDocument: Bool) -> StoreOutcome {
        let facts = slots[slot].record.facts
        let change = JobExecutionChange(
            status: facts.status, versionNumber: facts.versionNumber, executionNumber: facts.executionNumber,
            lastUpdatedAtMilliseconds: facts.lastUpdatedAtMilliseconds,
            statusDetails: includeState ? slots[slot].record.statusDetails : nil)
        return .changed(change, jobDocument: includeJobDocument ? slots[slot].job.document : nil)
    }

    private func view(
        of slot: Int, on thingName: ThingName, includeJobDocument: Bool, at now: Int64
    ) -> StoredExecutionView {
        let record = slots[slot].record
        return StoredExecutionView(
            jobId: slots[slot].job.id, thingName: thingName, record: record,
            approximateSecondsBeforeTimedOut: record.approximateSecondsBeforeTimedOut(at: now),
            jobDocument: includeJobDocument ? slots[slot].job.document : nil)
    }
}
