import ErrandCore

/// The lists of one thing's executions.
extension Stripe {
    mutating func pending(
        _ request: borrowing GetPendingJobExecutionsRequest, hash: UInt32, _ turn: inout Turn
    ) -> StoreOutcome {
        var page = PendingJobExecutions(inProgressJobs: [], queuedJobs: [], totalCount: 0, nextToken: nil)
        var after: PageToken.PendingPlace?
        if let token = request.nextToken {
            guard case .pending(let place)? = PageToken(token, of: request.thingName.text.bytes) else {
                return .refused(PageToken.refusal)
            }
            after = place
        }
        guard let thing = things.index(of: request.thingName, hash: hash) else { return .pending(page) }
        let asOf = after?.asOfSequence ?? things[thing].lastSequence
        var waiting: [(place: PageToken.PendingPlace, slot: Int)] = []
        forEachOpen(of: thing, &turn) { stripe, found in
            page.totalCount += 1
            let place = stripe.pendingPlace(of: found.slot, asOf: asOf)
            if let after, place <= after { return }
            waiting.append((place, found.slot))
        }
        waiting.sort { $0.place < $1.place }
        let limit = Int(clamping: request.maxResults ?? UInt32(FieldLimits.pendingResultCountDefault))
        for (_, slot) in waiting.prefix(limit) {
            let summary = summary(of: slot, on: request.thingName)
            if summary.status == .queued {
                page.queuedJobs.append(summary)
            } else {
                page.inProgressJobs.append(summary)
            }
        }
        if waiting.count > limit, limit > 0 {
            page.nextToken = PageToken.pending(waiting[limit - 1].place).bytes(of: request.thingName.text.bytes)
        }
        return .pending(page)
    }

    /// Newest first. Looks at no more than `scanLimit` executions, those that it only passes on its way to the token's
    /// place included, then gives what it has and a token.
    mutating func list(
        _ request: borrowing ListJobExecutionsForThingRequest, hash: UInt32, scanLimit: Int, _ turn: inout Turn
    ) -> StoreOutcome {
        var before = UInt32.max
        var start = ExecutionSlot.none
        if let token = request.nextToken {
            guard case .thing(let sequence, let slot)? = PageToken(token, of: request.thingName.text.bytes) else {
                return .refused(PageToken.refusal)
            }
            before = sequence
            start = slot
        }
        var page = JobExecutionPage(executions: [], nextToken: nil)
        guard let thing = things.index(of: request.thingName, hash: hash) else { return .page(page) }
        turn.depends(on: things[thing].lastRecordSequence)
        var next = isInChain(start, of: thing, notBefore: before) ? start : things.newestSlot(of: thing)
        var last = next
        let limit = Int(clamping: request.maxResults ?? UInt32(FieldLimits.pageResultCountMax))
        var scanned = 0
        while next != ExecutionSlot.none, page.executions.count < limit, scanned < scanLimit {
            let slot = Int(next)
            if slots[slot].sequence < before {
                let status = settle(slot, &turn) == nil ? nil : slots[slot].record.status
                if let status, request.status == nil || request.status == status {
                    page.executions.append(summary(of: slot, on: request.thingName))
                }
                before = slots[slot].sequence
            }
            scanned += 1
            last = next
            next = slots[slot].previousOfThing
        }
        if next != ExecutionSlot.none {
            page.nextToken = PageToken.thing(sequence: before, slot: last).bytes(of: request.thingName.text.bytes)
        }
        return .page(page)
    }

    /// Whether the chain of the thing's executions leads through that slot before it comes to those before `sequence`.
    private func isInChain(_ slot: UInt32, of thing: UInt32, notBefore sequence: UInt32) -> Bool {
        guard slot < slots.count else { return false }
        let slot = Int(slot)
        return slots[slot].thing == thing && slots[slot].job !== StoredJob.vacant && slots[slot].sequence >= sequence
    }

    /// For a list by job; nothing if the execution is not there any more or has another status than asked for.
    mutating func summary(
        of slot: Int, of job: StoredJob, position: Int, ifStatus status: JobExecutionStatus?, _ turn: inout Turn
    ) -> JobExecutionSummary? {
        guard slot < slots.count, slots[slot].job === job, slots[slot].jobPosition == UInt32(position),
            settle(slot, &turn) != nil
        else { return nil }
        turn.depends(on: slots[slot].lastSequence)
        if let status, slots[slot].record.status != status { return nil }
        return summary(of: slot, on: things.name(of: slots[slot].thing))
    }

    private func summary(of slot: Int, on thingName: ThingName) -> JobExecutionSummary {
        let record = slots[slot].record
        return JobExecutionSummary(
            jobId: slots[slot].job.id, thingName: thingName, executionNumber: record.executionNumber,
            status: record.status, forceCanceled: record.forceCanceled,
            queuedAtMilliseconds: record.queuedAtMilliseconds, startedAtMilliseconds: record.startedAtMilliseconds,
            lastUpdatedAtMilliseconds: record.lastUpdatedAtMilliseconds, versionNumber: record.versionNumber,
            retryAttempt: record.retryAttempt)
    }
}
