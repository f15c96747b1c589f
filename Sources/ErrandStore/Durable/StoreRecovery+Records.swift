import ErrandCore
import Synchronization

/// What each kind of record changes.
extension StoreRecovery {
    mutating func changeExecution(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let change = try ExecutionChange(from: &reader)
        replay.tell { FeedEvent(change.image.record, from: change.from, by: change.actor, job: $0, thingName: name) }
        let tag = try reader.byte()
        var retry: (position: UInt32, image: ExecutionImage)?
        if tag == 1 {
            retry = (try reader.integer(), try ExecutionImage(from: &reader))
            if let record = retry?.image.record {
                replay.tell { FeedEvent(record, from: nil, by: .service, job: $0, thingName: name) }
            }
        } else if tag == 2 {
            try replay.tell(jobEventFrom: &reader)
        }
        guard let job = replay.wanted else { return }
        try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else { return }
            if change.from != change.image.record.status {
                state.move(from: change.from, to: change.image.record.status)
            }
            if let retry {
                try check(retry.position, of: job, replay)
                state.counts.takeOne(change.image.record.status)
                state.add(state.reference(at: retry.position) ?? .absent, at: retry.position)
            }
            if tag == 2 { try job.readDecisions(&state, from: &reader) }
            if change.from != change.image.record.status { job.noteRecorded(&state, replay.sequence) }
        }
        try bringBack(job, change.position)
        try apply(replay, job, change.position, from: change.from) { stripe, slot, turn in
            stripe.apply(change, to: slot)
            stripe.arm(slot, &turn)
        }
        if let retry { try insertNew(replay, job, retry.image, on: name, at: retry.position) }
    }

    mutating func queueExecution(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let position = try reader.integer(UInt32.self)
        let end = try reader.cursor()
        let image = try ExecutionImage(from: &reader)
        replay.tell { FeedEvent(image.record, from: nil, by: .service, job: $0, thingName: name) }
        guard let job = replay.wanted else { return }
        try check(position, of: job, replay)
        try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else { return }
            guard state.targets.isCursor(end, after: state.queuedUpTo), state.notYetQueuedCount > 0 else {
                throw replay.malformed("no such target")
            }
            if let config = state.configuration.rollout {
                // The rate of a minute is fixed when its first targets are queued, by what was known then.
                let queuedAt = image.record.queuedAtMilliseconds
                _ = state.rolloutWindow.permitted(
                    by: config, notifiedCount: state.queuedThingCount, succeededCount: state.counts[.succeeded],
                    minute: store.rules.minuteLengthMilliseconds, at: queuedAt)
                state.rolloutWindow.queued(1, at: queuedAt)
            }
            state.add(state.reference(at: position) ?? .absent, at: position)
            state.noteQueued(upTo: end)
            job.noteRecorded(&state, replay.sequence)
        }
        try insertNew(replay, job, image, on: name, at: position)
    }

    mutating func deleteExecution(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let deletion = try ExecutionDeletion(from: &reader)
        let event = try deletion.event(job: replay.identity, thingName: name, from: &reader)
        replay.tell { _ in event }
        let call: KeyedCall? =
            try reader.flag() ? KeyedCall(key: try reader.key(), fingerprint: try reader.integer()) : nil
        let hasJobEvent = try reader.byte() == 2
        if hasJobEvent { try replay.tell(jobEventFrom: &reader) }
        if let call, replay.isNews(facts.deletionsSequence) {
            facts.deletions.remember(call.key, call.fingerprint, .executionDeleted)
        }
        guard let job = replay.wanted else { return }
        try bringBack(job, deletion.position)
        try check(deletion.position, of: job, replay)
        removeSlot(replay, job, deletion.position)
        if deletion.wasLatest { noteDeletion(replay, job, on: name) }
        try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else {
                state.place(.deleted, at: deletion.position)
                return
            }
            state.delete(deletion, thingName: name)
            if !job.sweepFlags.contains(.deleted) { state.touch(at: deletion.at) }
            if hasJobEvent { try job.readDecisions(&state, from: &reader) }
            job.noteRecorded(&state, replay.sequence)
        }
    }

    mutating func refuseReport(_ replay: RecordReplay, _ reader: inout RecordReader) throws(StorageFault) {
        let refused = try RefusedReport(from: &reader)
        guard let job = replay.wanted else { return }
        try bringBack(job, refused.position)
        try apply(replay, job, refused.position, from: refused.event.from) { stripe, slot, _ in
            stripe.log(refused, slot)
        }
    }

    mutating func receiveTargets(
        _ replay: inout RecordReplay, _ reader: inout RecordReader, _ number: UInt64, isFirst: Bool
    ) throws(StorageFault) {
        let at = try reader.integer(Int64.self)
        if isFirst {
            let job = try StoredJob.created(number, at: at, changes: store.changes, from: &reader)
            if replay.job == nil, !replay.isInTables {
                jobs[number] = job
                replay.job = job
                recent = nil
            }
        }
        let creationNumber = try reader.integer(UInt64.self)
        guard creationNumber < RecordReader.numberMax else { throw reader.malformed("a number is too great") }
        let names = try JobTargets.names(from: &reader)
        if replay.revision > 0 {
            // `lastProgressAt` of a job that got its last targets just now.
            let event = JobEvent(nil, .inProgress, by: .fleetOperator, at: at)
            replay.tell { event.event(of: $0) }
        }
        guard let job = replay.wanted else { return }
        facts.lastJobNumber = max(facts.lastJobNumber, number)
        facts.lastCreationNumber = max(facts.lastCreationNumber, creationNumber)
        try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else { return }
            state.receive(names[...], of: job.announcedTargetCount, at: at)
            guard state.isStaged || creationNumber > 0 else {
                throw replay.malformed("a complete job has no place among the others")
            }
            state.creationNumber = creationNumber
            job.noteRecorded(&state, replay.sequence)
        }
    }

    mutating func changeJob(_ replay: inout RecordReplay, _ reader: inout RecordReader) throws(StorageFault) {
        if try reader.flag() { try replay.tell(jobEventFrom: &reader) }
        guard let job = replay.wanted else { return }
        let isNews = try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else { return false }
            try job.readDecisions(&state, from: &reader)
            job.noteRecorded(&state, replay.sequence)
            return true
        }
        guard replay.isNews(facts.deletionsSequence) else { return }
        if !isNews {
            // The reader stands before the decisions, which are in the row; the key behind them is wanted all the same.
            let scratch = StoredJob.scratch(store.changes)
            try scratch.withState { (state) throws(StorageFault) in try scratch.readDecisions(&state, from: &reader) }
        }
        guard try reader.flag() else { return }
        facts.deletions.remember(try reader.key(), try reader.integer(), .jobDeleted(isComplete: false))
    }

    mutating func excludeTarget(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let at = try reader.integer(Int64.self)
        let hasJobEvent = try reader.byte() == 2
        if hasJobEvent { try replay.tell(jobEventFrom: &reader) }
        guard let job = replay.wanted else { return }
        try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else { return }
            _ = state.exclude(name, at: at)
            if hasJobEvent { try job.readDecisions(&state, from: &reader) }
            job.noteRecorded(&state, replay.sequence)
        }
    }

    mutating func removeJob(
        _ replay: inout RecordReplay, _ reader: inout RecordReader, _ number: UInt64
    ) throws(StorageFault) {
        let status = try reader.jobStatus()
        let at = try reader.integer(Int64.self)
        if replay.revision > 0 {
            replay.tell { FeedEvent(.jobDeleted(from: status), by: .fleetOperator, job: $0, at: at) }
        }
        guard let job = replay.wanted else { return }
        let isEmpty = job.state.withLock { $0.executions.allSatisfy { $0.slot == ExecutionSlot.none } }
        guard isEmpty else { throw replay.malformed("executions outlive their job") }
        jobs[number] = nil
        identities[number] = replay.identity
        recent = nil
        removedJobs.append(JobTable.RemovedJob(job: job, sequence: replay.sequence))
    }

    // MARK: Slots

    private mutating func insert(
        _ body: ExecutionRowBody, of job: StoredJob, on name: ThingName, position: UInt32
    ) {
        let (stripe, hash) = store.stripe(of: name)
        let reference = stripe.content.withLock { $0.restore(body, of: job, on: name, hash: hash, at: position, &turn) }
        job.state.withLock { $0.place(reference, at: position) }
    }

    /// Each thing of a job has its execution and its retries; no record speaks of more.
    private func check(_ position: UInt32, of job: StoredJob, _ replay: RecordReplay) throws(StorageFault) {
        guard Int(position) < job.executionCountMax else { throw replay.malformed("the job has no such execution") }
    }

    /// `from` is what the record says that the execution was.
    private mutating func apply(
        _ replay: RecordReplay, _ job: StoredJob, _ position: UInt32, from: JobExecutionStatus? = nil,
        _ body: (inout Stripe, _ slot: Int, inout Turn) -> Void
    ) throws(StorageFault) {
        guard let reference = job.state.withLock({ $0.reference(at: position) }) else { return }
        try store.stripes[Int(reference.stripe)].content.withLock { (stripe) throws(StorageFault) in
            let slot = Int(reference.slot)
            guard replay.isNews(stripe.slots[slot].lastSequence) else { return }
            if let from, stripe.slots[slot].record.status != from {
                throw replay.malformed("the execution was not \(from)")
            }
            body(&stripe, slot, &turn)
            stripe.noteRecorded(slot, replay.sequence, &turn)
        }
    }

    private mutating func insertNew(
        _ replay: RecordReplay, _ job: StoredJob, _ image: ExecutionImage, on name: ThingName, at position: UInt32
    ) throws(StorageFault) {
        try check(position, of: job, replay)
        // Its row may be newer than the job's: then it has its place, and the record changes nothing that the row shows.
        guard job.state.withLock({ $0.reference(at: position) }) == nil else { return }
        let body = ExecutionRowBody(
            lastSequence: replay.sequence, image: image, log: ExecutionLog(), calls: RememberedCalls())
        insert(body, of: job, on: name, position: position)
        try apply(RecordReplay(again: replay), job, position) { _, _, _ in }
    }

    private mutating func removeSlot(_ replay: RecordReplay, _ job: StoredJob, _ position: UInt32) {
        guard let reference = job.state.withLock({ $0.reference(at: position) }) else { return }
        store.stripes[Int(reference.stripe)].content.withLock { stripe in
            stripe.noteRecorded(Int(reference.slot), replay.sequence, &turn)
            stripe.noteRemoved(Int(reference.slot))
            stripe.free(Int(reference.slot))
        }
    }

    /// The attempt before the deleted one is the latest now, and whoever is shown it is shown the deletion.
    private mutating func noteDeletion(_ replay: RecordReplay, _ job: StoredJob, on name: ThingName) {
        let (stripe, hash) = store.stripe(of: name)
        stripe.content.withLock { stripe in
            guard let thing = stripe.things.index(of: name, hash: hash),
                let latest = stripe.newestSlot(of: job, from: stripe.things.newestSlot(of: thing)),
                replay.isNews(stripe.slots[latest].lastSequence)
            else { return }
            stripe.noteRecorded(latest, replay.sequence, &turn)
        }
    }

    /// A record is about an execution that stayed in the tables.
    private mutating func bringBack(_ job: StoredJob, _ position: UInt32) throws(StorageFault) {
        guard job.state.withLock({ $0.isAbsent(position) }) else { return }
        var name: ThingName?
        _ = try database.execution(Int64(job.number), position: Int64(position)) { (row, _) throws(StorageFault) in
            name = try? ThingName(row.thing)
        }
        if let name { try restoreAll(of: name) }
    }
}
