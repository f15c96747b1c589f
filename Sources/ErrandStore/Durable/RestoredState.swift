import ErrandCore
import Synchronization

/// What recovery needs of the parts of a store, and nothing else does.
extension StoredJob {
    /// The state, for what may throw a storage fault.
    func withState<Result>(
        _ body: (inout State) throws(StorageFault) -> Result
    ) throws(StorageFault) -> Result {
        try state.withLock { (state) throws(StorageFault) in try body(&state) }
    }

    /// A job that nobody keeps, for reading past another's decisions.
    static func scratch(_ changes: ChangeFeed) -> StoredJob {
        StoredJob(
            CreateJobRequest(jobId: JobId(), document: "", targetCount: 0, targets: []), number: 0, at: 0,
            changes: changes)
    }
}

extension StoredJob.State {
    /// Where the execution at that place of the job's list is; nothing if it is not in memory.
    func reference(at position: UInt32) -> ExecutionReference? {
        guard Int(position) < executions.count, executions[Int(position)].slot != ExecutionSlot.none else { return nil }
        return executions[Int(position)]
    }

    /// Whether the execution at that place is in memory, or was deleted.
    func isKnown(_ position: UInt32) -> Bool {
        Int(position) < executions.count && !executions[Int(position)].isAbsent
    }

    /// Whether the execution at that place is not in memory, and was not deleted.
    func isAbsent(_ position: UInt32) -> Bool {
        Int(position) < executions.count && executions[Int(position)].isAbsent
    }

    /// How many executions are not in memory.
    var absentCount: Int { Int(attempts.total) - executions.count { $0.slot != ExecutionSlot.none } }

    /// Takes the targets of one row.
    mutating func restore(_ names: [ThingName], row: Int64) {
        // A name is looked for by its hash only while some wait to be queued.
        targets.append(names[...], isIndexed: notYetQueuedCount > 0 || isStaged)
        storedTargetCount = targets.count
        targetRows.append(row)
    }

    /// All rows of targets have been read. Returns whether they are those that there must be.
    mutating func endTargets(_ count: Int, of announcedCount: Int) -> Bool {
        guard targets.count == count, count <= announcedCount, targets.isCursor(queuedUpTo, after: JobTargets.Cursor())
        else { return false }
        isStaged = count < announcedCount
        if !isStaged, notYetQueuedCount == 0 || status != .inProgress { targets.dropIndex() }
        return true
    }
}

extension Stripe {
    /// Puts an execution back where it belongs among those of its thing. A row is complete, so it is not dirty.
    mutating func restore(
        _ body: ExecutionRowBody, of job: StoredJob, on name: ThingName, hash: UInt32, at position: UInt32,
        _ turn: inout Turn
    ) -> ExecutionReference {
        let thing = things.indexInserting(name, hash: hash)
        var newer = ExecutionSlot.none
        var older = things.newestSlot(of: thing)
        while older != ExecutionSlot.none, slots[Int(older)].sequence > body.image.sequence {
            newer = older
            older = slots[Int(older)].previousOfThing
        }
        var execution = ExecutionSlot(
            record: body.image.record, job: job, thing: thing, previousOfThing: older, sequence: body.image.sequence,
            jobPosition: position)
        execution.log = body.log
        execution.newestChange = body.newestChange
        execution.calls = body.calls
        execution.startSequence = body.image.startSequence
        execution.lastSequence = body.lastSequence
        let slot = nextSlot
        if freeSlots.popLast() == nil { slots.append(execution) } else { slots[Int(slot)] = execution }
        if newer == ExecutionSlot.none {
            things.setNewestSlot(slot, of: thing)
        } else {
            slots[Int(newer)].previousOfThing = slot
        }
        let sequence = max(body.image.sequence, body.image.startSequence)
        things[thing].note(sequence: sequence)
        // The row may be of a checkpoint that did not come to its end, so that no fact says that it is there.
        things.sequenceFloor = max(things.sequenceFloor, sequence)
        if !execution.record.status.isTerminal { things[thing].openCount += 1 }
        arm(Int(slot), &turn)
        return ExecutionReference(stripe: number, slot: slot)
    }
}

extension JobTable {
    mutating func restore(_ facts: StoreFacts, removed: [RemovedJob]) {
        lastJobNumber = facts.lastJobNumber
        lastCreationNumber = facts.lastCreationNumber
        deletions = facts.deletions
        self.removed = removed
    }

    /// Takes a job of an earlier run, whatever the limits are now.
    mutating func restore(_ job: StoredJob, at now: Int64) {
        insert(job)
        lastJobNumber = max(lastJobNumber, job.number)
        let (isStaged, progressAt, openCount) = job.state.withLock {
            ($0.isStaged, $0.lastProgressAt, $0.attempts.openCount)
        }
        guard !isStaged else {
            _ = stage(job, at: progressAt)
            return
        }
        complete(job)
        let isDeleted = job.sweepFlags.contains(.deleted)
        if isDeleted { beginDeletion() }
        // Of jobs that were canceled long ago there may be many, and nothing is left to do for them.
        if isDeleted || (!job.sweepFlags.isEmpty && openCount > 0) { scheduleSweep(of: job) }
    }
}
