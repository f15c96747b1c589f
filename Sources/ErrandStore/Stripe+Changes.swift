import ErrandCore

/// Where stored executions change: nothing else writes a record, adds one or takes one away. Each change makes one
/// event of the change feed.
extension Stripe {
    /// Queues the job's execution on a thing, unless the target is not wanted any more.
    mutating func enqueue(_ job: StoredJob, on target: JobTargets.Target, hash: UInt32, _ turn: inout Turn) {
        let thing = things.indexInserting(target.name, hash: hash)
        let slot = nextSlot
        let record = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: turn.now)
        let event = FeedEvent(record, from: nil, by: .service, job: job.identity, thingName: target.name)
        let reference = ExecutionReference(stripe: number, slot: slot)
        let image = ExecutionImage(record: record, sequence: things[thing].nextSequence, startSequence: 0)
        guard let queued = job.executionQueued(reference, image, target: target, event: event) else { return }
        insert(record, job: job, thing: thing, jobPosition: queued.position, at: slot)
        noteRecorded(Int(slot), queued.sequence, &turn)
    }

    /// Stores what the rules made of an execution. Returns false if its job was swept since `seen`: then nothing is
    /// stored and the caller decides anew.
    /// `call` is remembered with it.
    mutating func replace(
        _ slot: Int, with record: ExecutionRecord, by actor: HistoryActor, for call: KeyedCall? = nil,
        seen: SweepFlags, _ turn: inout Turn
    ) -> Bool {
        let oldStatus = slots[slot].record.status
        let job = slots[slot].job
        let thing = slots[slot].thing
        let starts = oldStatus == .queued && record.status == .inProgress
        let change = ExecutionChange(
            position: slots[slot].jobPosition, from: oldStatus, actor: actor,
            image: ExecutionImage(
                record: record, sequence: slots[slot].sequence,
                startSequence: starts ? things[thing].nextSequence : slots[slot].startSequence),
            call: call.map { $0.remembered(record, at: turn.now) })
        let event = FeedEvent(record, from: oldStatus, by: actor, job: job.identity, thingName: things.name(of: thing))
        guard record.status != oldStatus else {
            let sequence = job.executionReported(change, event: event)
            apply(change, to: slot)
            arm(slot, &turn)
            noteRecorded(slot, sequence, &turn)
            return true
        }
        let retrySlot = nextSlot
        let (moved, sequence) = job.executionMoved(
            change, event: event, seen: seen, next: ExecutionReference(stripe: number, slot: retrySlot),
            nextSequence: things[thing].nextSequence, rules: rules, at: turn.now)
        if case .raced = moved { return false }
        apply(change, to: slot)
        arm(slot, &turn)
        noteRecorded(slot, sequence, &turn)
        switch moved {
        case .raced, .done: break
        case .aborted: turn.abortedJobs.append(job)
        case .retried(let retry, let position):
            insert(retry, job: job, thing: thing, jobPosition: position, at: retrySlot)
            noteRecorded(Int(retrySlot), sequence, &turn)
        }
        return true
    }

    /// Stores what an execution has become; a replay of its record does the same.
    mutating func apply(_ change: ExecutionChange, to slot: Int) {
        let record = change.image.record
        let thing = slots[slot].thing
        things[thing].note(sequence: change.image.startSequence)
        if record.status.isTerminal, !change.from.isTerminal { things[thing].openCount -= 1 }
        slots[slot].startSequence = change.image.startSequence
        slots[slot].logNewestChange()
        let newest = ExecutionLog.NewestChange(by: change.actor, from: change.from)
        slots[slot].log.makeRoom(
            for: newest.event(record.facts), details: record.statusDetails, queuedAt: record.queuedAtMilliseconds)
        slots[slot].record = record
        slots[slot].newestChange = newest
        guard let call = change.call else { return }
        slots[slot].calls.remember(
            call.key, call.fingerprint, call.outcome, queuedAt: record.queuedAtMilliseconds)
    }

    /// Remembers that a record says what has become of an execution.
    mutating func noteRecorded(_ slot: Int, _ sequence: UInt64, _ turn: inout Turn) {
        guard sequence > 0 else { return }
        turn.depends(on: sequence)
        things[slots[slot].thing].lastRecordSequence = sequence
        slots[slot].lastSequence = sequence
        markDirty(slot)
    }

    mutating func markDirty(_ slot: Int) {
        guard !slots[slot].isDirty else { return }
        slots[slot].isDirty = true
        dirtySlots.append(UInt32(slot))
    }

    /// A report that came after the end goes into the history and changes nothing else.
    mutating func noteRefused(_ request: borrowing UpdateJobExecutionRequest, _ slot: Int, _ turn: inout Turn) {
        let record = slots[slot].record
        let refused = RefusedReport(
            position: slots[slot].jobPosition,
            event: ExecutionLog.Event(
                kind: .refusedReport, actor: .device, at: max(turn.now, record.lastUpdatedAtMilliseconds),
                from: record.status, to: request.status, version: record.versionNumber),
            details: request.statusDetails ?? StatusDetails())
        log(refused, slot)
        let job = slots[slot].job
        let sequence = changes.record { buffer in
            job.appendHead(.reportRefused, 0, to: &buffer)
            refused.append(to: &buffer)
        }
        noteRecorded(slot, sequence, &turn)
    }

    /// Stores a refused report; a replay of its record does the same.
    mutating func log(_ refused: RefusedReport, _ slot: Int) {
        slots[slot].logNewestChange()
        slots[slot].log.append(
            refused.event, details: refused.details, queuedAt: slots[slot].record.queuedAtMilliseconds)
    }

    /// Takes an attempt away. Returns false if its job was swept since `seen`. `call` is remembered with it.
    mutating func remove(_ slot: Int, for call: KeyedCall? = nil, seen: SweepFlags, _ turn: inout Turn) -> Bool {
        let thing = slots[slot].thing
        let job = slots[slot].job
        let wasLatest = newestSlot(of: job, from: things.newestSlot(of: thing)) == slot
        let older = newestSlot(of: job, from: slots[slot].previousOfThing)
        let status = slots[slot].record.status
        let deletion = ExecutionDeletion(
            position: slots[slot].jobPosition, status: status, wasLatest: wasLatest,
            latestBefore: older.map { slots[$0].record.status }, at: turn.now, call: call)
        let event = FeedEvent(
            deleted: slots[slot].record, job: job.identity, thingName: things.name(of: thing), at: turn.now)
        guard let sequence = job.executionDeleted(deletion, event: event, seen: seen) else { return false }
        noteRecorded(slot, sequence, &turn)
        // Whoever is shown the one before as the latest is shown the deletion too.
        if wasLatest, let older { noteRecorded(older, sequence, &turn) }
        noteRemoved(slot)
        free(slot)
        return true
    }

    /// Its row is to go.
    mutating func noteRemoved(_ slot: Int) {
        guard slots[slot].lastSequence > 0 else { return }
        removedRows.append(
            RemovedRow(
                jobNumber: slots[slot].job.number, position: slots[slot].jobPosition,
                sequence: slots[slot].lastSequence))
    }

    /// The newest attempt of a job among a thing's executions from a slot on.
    func newestSlot(of job: StoredJob, from start: UInt32) -> Int? {
        var next = start
        while next != ExecutionSlot.none, slots[Int(next)].job !== job { next = slots[Int(next)].previousOfThing }
        return next == ExecutionSlot.none ? nil : Int(next)
    }

    /// Takes an execution out of its thing's chain and gives its slot back.
    mutating func free(_ slot: Int) {
        let thing = slots[slot].thing
        var newer = ExecutionSlot.none
        var next = things.newestSlot(of: thing)
        while next != UInt32(slot), next != ExecutionSlot.none {
            newer = next
            next = slots[Int(next)].previousOfThing
        }
        if newer == ExecutionSlot.none {
            things.setNewestSlot(slots[slot].previousOfThing, of: thing)
        } else {
            slots[Int(newer)].previousOfThing = slots[slot].previousOfThing
        }
        if !slots[slot].record.status.isTerminal { things[thing].openCount -= 1 }
        disarm(slot)
        slots[slot].job = .vacant
        slots[slot].log = ExecutionLog()
        slots[slot].newestChange = ExecutionLog.NewestChange()
        slots[slot].calls = RememberedCalls()
        slots[slot].record.statusDetails = StatusDetails()
        freeSlots.append(UInt32(slot))
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
            if seen.contains(.deleted) {
                turn.depends(onDeletionOf: slots[slot].job)
                return nil
            }
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
        if settle(slot, &turn) == nil { _ = remove(slot, seen: job.sweepFlags, &turn) }
    }

    // MARK: Slots

    /// Where the next execution will live.
    var nextSlot: UInt32 { freeSlots.last ?? UInt32(slots.count) }

    mutating func insert(
        _ record: ExecutionRecord, job: StoredJob, thing: UInt32, jobPosition: UInt32, at slot: UInt32
    ) {
        let execution = ExecutionSlot(
            record: record, job: job, thing: thing, previousOfThing: things.newestSlot(of: thing),
            sequence: things[thing].takeSequence(), jobPosition: jobPosition)
        if freeSlots.popLast() == nil {
            slots.append(execution)
        } else {
            slots[Int(slot)] = execution
        }
        things.setNewestSlot(slot, of: thing)
        things[thing].openCount += 1
    }
}
