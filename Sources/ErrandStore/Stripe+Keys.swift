import ErrandCore

/// A call's idempotency key, and what it says besides.
struct KeyedCall {
    let key: IdempotencyKey
    let fingerprint: UInt64
    /// Whether it is answered with the execution's status details.
    var includesState = false

    /// The call with its outcome: what the execution has become.
    func remembered(_ record: borrowing ExecutionRecord, at now: Int64) -> ExecutionChange.RememberedCall {
        ExecutionChange.RememberedCall(
            key: key, fingerprint: fingerprint,
            outcome: RememberedCalls.Outcome(
                status: record.status, versionNumber: record.versionNumber,
                lastUpdatedAtMilliseconds: record.lastUpdatedAtMilliseconds,
                approximateSecondsBeforeTimedOut: record.approximateSecondsBeforeTimedOut(at: now),
                statusDetails: includesState ? record.statusDetails : nil))
    }
}

/// Calls that came before. Only changes are remembered: a refused call is decided afresh (D35). They are looked for before anything is known to exist (SEMANTICS 1.5, step 4).
extension Stripe {
    /// The first outcome of the same call, or why its key cannot be used; nothing if the key is new here.
    ///
    /// A report without executionNumber may come again after a retry was queued, so all attempts are asked.
    func replay(
        _ call: KeyedCall, _ jobId: borrowing JobId, on thingName: borrowing ThingName, hash: UInt32,
        includeJobDocument: Bool, _ turn: inout Turn
    ) -> StoreOutcome? {
        guard let thing = things.index(of: thingName, hash: hash) else { return nil }
        var next = things.newestSlot(of: thing)
        while next != ExecutionSlot.none {
            let slot = Int(next)
            next = slots[slot].previousOfThing
            guard slots[slot].job.id == jobId else { continue }
            if let (fingerprint, outcome) = remembered(call, slot) {
                turn.depends(on: slots[slot].lastSequence)
                guard fingerprint == call.fingerprint else { return .refused(.idempotencyConflict(call.key)) }
                let change = JobExecutionChange(
                    status: outcome.status, versionNumber: outcome.versionNumber,
                    executionNumber: slots[slot].record.executionNumber,
                    lastUpdatedAtMilliseconds: outcome.lastUpdatedAtMilliseconds,
                    statusDetails: outcome.statusDetails)
                return .changed(change, jobDocument: includeJobDocument ? slots[slot].job.document : nil)
            }
            if slots[slot].record.executionNumber == 1 { return nil }
        }
        return nil
    }

    /// The execution that the call started, as it was then.
    func replayStart(
        _ call: KeyedCall, _ thing: UInt32, on thingName: ThingName, _ turn: inout Turn
    ) -> StoreOutcome? {
        var next = things.newestSlot(of: thing)
        while next != ExecutionSlot.none {
            let slot = Int(next)
            next = slots[slot].previousOfThing
            guard let (fingerprint, outcome) = remembered(call, slot) else { continue }
            turn.depends(on: slots[slot].lastSequence)
            guard fingerprint == call.fingerprint else { return .refused(.idempotencyConflict(call.key)) }
            var record = slots[slot].record
            record.status = outcome.status
            record.versionNumber = outcome.versionNumber
            record.lastUpdatedAtMilliseconds = outcome.lastUpdatedAtMilliseconds
            record.statusDetails = outcome.statusDetails ?? StatusDetails()
            record.forceCanceled = false
            return .execution(
                StoredExecutionView(
                    jobId: slots[slot].job.id, thingName: thingName, record: record,
                    approximateSecondsBeforeTimedOut: outcome.approximateSecondsBeforeTimedOut,
                    jobDocument: slots[slot].job.document))
        }
        return nil
    }

    private func remembered(
        _ call: KeyedCall, _ slot: Int
    ) -> (fingerprint: UInt64, outcome: RememberedCalls.Outcome)? {
        guard !slots[slot].calls.isEmpty, !slots[slot].job.sweepFlags.contains(.deleted) else { return nil }
        return slots[slot].calls.find(call.key, queuedAt: slots[slot].record.queuedAtMilliseconds)
    }
}
