import ErrandCore

/// Where stored executions change: nothing else writes a record, adds one or takes one away. Each change makes one
/// event of the change feed.
extension Stripe {
    /// Queues the job's execution on a thing, unless the target is not wanted any more.
    mutating func enqueue(
        _ job: StoredJob, on thingName: borrowing ThingName, hash: UInt32, target: UInt32, at now: Int64
    ) {
        let thing = things.indexInserting(thingName, hash: hash)
        let slot = nextSlot
        let record = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: now)
        let event = FeedEvent(record, from: nil, by: .service, job: job.identity, thingName: copy thingName)
        let reference = ExecutionReference(stripe: number, slot: slot)
        guard let position = job.executionQueued(reference, target: target, event: event) else { return }
        insert(record, job: job, thing: thing, jobPosition: position, at: slot)
    }

    /// Stores what the rules made of an execution. Returns false if its job was swept since `seen`: then nothing is
    /// stored and the caller decides anew.
    mutating func replace(
        _ slot: Int, with record: ExecutionRecord, by actor: HistoryActor, seen: SweepFlags, _ turn: inout Turn
    ) -> Bool {
        let oldStatus = slots[slot].record.status
        var moved = StoredJob.Moved.done
        let retrySlot = nextSlot
        let thing = slots[slot].thing
        let event = FeedEvent(
            record, from: oldStatus, by: actor, job: slots[slot].job.identity, thingName: things.name(of: thing))
        if record.status == oldStatus {
            changes.append(event)
        } else {
            moved = slots[slot].job.executionMoved(
                from: oldStatus, to: record, event: event, seen: seen,
                next: ExecutionReference(stripe: number, slot: retrySlot), rules: rules, at: turn.now)
            if case .raced = moved { return false }
            if oldStatus == .queued, record.status == .inProgress {
                slots[slot].startSequence = things[thing].takeSequence()
            }
            if record.status.isTerminal { things[thing].openCount -= 1 }
        }
        slots[slot].log.append(
            ExecutionLog.Event(
                actor: actor, at: record.lastUpdatedAtMilliseconds, from: oldStatus, to: record.status,
                version: record.versionNumber),
            details: record.statusDetails, queuedAt: record.queuedAtMilliseconds)
        slots[slot].record = record
        arm(slot, &turn)
        switch moved {
        case .raced, .done: break
        case .aborted: turn.abortedJobs.append(slots[slot].job)
        case .retried(let retry, let position):
            insert(retry, job: slots[slot].job, thing: thing, jobPosition: position, at: retrySlot)
        }
        return true
    }

    /// A report that came after the end goes into the history and changes nothing else.
    mutating func noteRefused(_ request: borrowing UpdateJobExecutionRequest, _ slot: Int, at now: Int64) {
        let record = slots[slot].record
        slots[slot].log.append(
            ExecutionLog.Event(
                kind: .refusedReport, actor: .device, at: max(now, record.lastUpdatedAtMilliseconds),
                from: record.status, to: request.status, version: record.versionNumber),
            details: request.statusDetails ?? StatusDetails(), queuedAt: record.queuedAtMilliseconds)
    }

    /// Takes an attempt away. Returns false if its job was swept since `seen`.
    mutating func remove(_ slot: Int, seen: SweepFlags, at now: Int64) -> Bool {
        let thing = slots[slot].thing
        let job = slots[slot].job
        var newer = ExecutionSlot.none
        var wasLatest = true
        var next = things[thing].newestSlot
        while next != UInt32(slot), next != ExecutionSlot.none {
            if slots[Int(next)].job === job { wasLatest = false }
            newer = next
            next = slots[Int(next)].previousOfThing
        }
        var older = slots[slot].previousOfThing
        while older != ExecutionSlot.none, slots[Int(older)].job !== job { older = slots[Int(older)].previousOfThing }
        let status = slots[slot].record.status
        let isDeleted = job.executionDeleted(
            at: slots[slot].jobPosition, status: status, wasLatest: wasLatest,
            latestBefore: older == ExecutionSlot.none ? nil : slots[Int(older)].record.status,
            event: FeedEvent(
                deleted: slots[slot].record, job: job.identity, thingName: things.name(of: thing), at: now),
            seen: seen, now: now)
        guard isDeleted else { return false }
        if newer == ExecutionSlot.none {
            things[thing].newestSlot = slots[slot].previousOfThing
        } else {
            slots[Int(newer)].previousOfThing = slots[slot].previousOfThing
        }
        if !status.isTerminal { things[thing].openCount -= 1 }
        disarm(slot)
        slots[slot].job = .vacant
        slots[slot].log = ExecutionLog()
        slots[slot].calls = RememberedCalls()
        slots[slot].record.statusDetails = StatusDetails()
        freeSlots.append(UInt32(slot))
        return true
    }

    /// To be called before anything is read or decided of an execution, so that nobody sees or wins against a
    /// deadline that has passed or a cancel of the job. Returns what was seen of the job's sweep; nothing if the
    /// execution is gone with its job.
    mutating func settle(_ slot: Int, _ turn: inout Turn) -> SweepFlags? {
        let seen = slots[slot].job.sweepFlags
        // The armed deadline is never after the record's, and looking at it copies no record.
        if seen.isEmpty, slots[slot].armedDeadline > turn.now { return seen }
        return settleSlowly(slot, &turn)
    }

    /// As `settle`, without looking first whether there is anything to do.
    mutating func settleSlowly(_ slot: Int, _ turn: inout Turn) -> SweepFlags? {
        while true {
            let seen = slots[slot].job.sweepFlags
            if seen.contains(.deleted) { return nil }
            guard let (record, actor) = overdueChange(of: slot, seen, at: turn.now) else { return seen }
            // Not stored if the sweep has just grown; then it is looked at again. Stored, it may still leave another.
            _ = replace(slot, with: record, by: actor, seen: seen, &turn)
        }
    }

    /// What should have happened to an execution already, and who did it.
    private func overdueChange(of slot: Int, _ seen: SweepFlags, at now: Int64) -> (ExecutionRecord, HistoryActor)? {
        let record = slots[slot].record
        guard !record.status.isTerminal else { return nil }
        if !seen.isEmpty {
            let sweep = slots[slot].job.sweep
            if record.status == .queued {
                return rules.cancelWithJob(record, force: sweep.cancelWasForced, at: sweep.canceledAt)
                    .map { ($0, sweep.actor) }
            }
            if seen.contains(.forced) {
                if let expired = rules.expire(record, at: sweep.forcedAt) { return (expired, .service) }
                return rules.cancelWithJob(record, force: true, at: sweep.forcedAt).map { ($0, .fleetOperator) }
            }
        }
        return rules.expire(record, at: now).map { ($0, .service) }
    }

    /// Works off one execution of a job's cancel or deletion.
    mutating func sweep(_ slot: Int, of job: StoredJob, position: Int, _ turn: inout Turn) {
        guard slot < slots.count, slots[slot].job === job, slots[slot].jobPosition == UInt32(position) else { return }
        if settle(slot, &turn) == nil { _ = remove(slot, seen: job.sweepFlags, at: turn.now) }
    }

    // MARK: Slots

    /// Where the next execution will live.
    private var nextSlot: UInt32 { freeSlots.last ?? UInt32(slots.count) }

    private mutating func insert(
        _ record: ExecutionRecord, job: StoredJob, thing: UInt32, jobPosition: UInt32, at slot: UInt32
    ) {
        let execution = ExecutionSlot(
            record: record, job: job, thing: thing, previousOfThing: things[thing].newestSlot,
            sequence: things[thing].takeSequence(), jobPosition: jobPosition)
        if freeSlots.popLast() == nil {
            slots.append(execution)
        } else {
            slots[Int(slot)] = execution
        }
        things[thing].newestSlot = slot
        things[thing].openCount += 1
    }
}
