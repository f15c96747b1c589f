import ErrandCore
import Synchronization

/// Puts a store in memory together again from its tables and the journal behind them.
///
/// Rows may be newer than the checkpoint that the journal follows, since a checkpoint writes them while the store goes on. So
/// each row says which record it shows last, and a record changes only what does not show it yet.
struct StoreRecovery {
    let store: MemoryExecutionStore
    private(set) var facts: StoreFacts
    private(set) var jobs: [UInt64: StoredJob] = [:]
    /// Jobs that the journal takes away, which have nothing in memory any more.
    private(set) var removedJobs: [JobTable.RemovedJob] = []
    private var identities: [UInt64: JobIdentity] = [:]
    private(set) var replayedCount = 0
    private(set) var tablesDuration = Duration.zero
    private(set) var journalDuration = Duration.zero
    /// Of the newest event that the tables show.
    private(set) var checkpointRevision: UInt64 = 0
    private var turn: Turn

    /// Executions that finished before stay in the tables.
    private let finishedSince: Int64
    private let database: JournalDatabase

    init(
        into store: MemoryExecutionStore, from database: JournalDatabase, facts: StoreFacts, finishedSince: Int64,
        at now: Int64
    ) {
        self.store = store
        self.database = database
        self.facts = facts
        self.finishedSince = finishedSince
        turn = Turn(at: now)
    }

    /// A new store begins with revisions that no other store ever gave, and remembers which.
    static func facts(of database: JournalDatabase, at now: Int64) throws(StorageFault) -> StoreFacts {
        var facts = StoreFacts(journalStartRevision: ChangeFeed.firstRevision(startedAtMilliseconds: now) - 1)
        let isThere = try database.fact(StoreFacts.name) { (body) throws(StorageFault) in
            var reader = RecordReader(body, place: .fact(StoreFacts.name))
            facts = try StoreFacts(from: &reader)
        }
        if !isThere {
            var buffer = JournalBuffer()
            facts.append(to: &buffer)
            try database.fold { (transaction) throws(StorageFault) in
                try transaction.putFact(StoreFacts.name, body: buffer.span)
            }
        }
        return facts
    }

    mutating func run() throws(StorageFault) {
        let clock = ContinuousClock()
        let began = clock.now
        checkpointRevision = store.changes.revision
        // Growing step by step would copy each execution twice; hashing spreads them over the stripes by chance. The number
        // is one of the file, and so is not trusted beyond reason.
        let slotCount =
            min(16 << 20, Int(clamping: database.statistics().openExecutionCount)) / store.stripes.count * 21 / 20
        for stripe in store.stripes {
            stripe.content.withLock {
                $0.things.sequenceFloor = facts.lastSequenceOfThings
                $0.slots.reserveCapacity(slotCount)
            }
        }
        try readJobs()
        var retried: Set<ThingName> = []
        try database.forEachExecution(openOrFinishedSince: finishedSince) { (row, body) throws(StorageFault) in
            if let name = try restore(row, body) { retried.insert(name) }
        }
        for name in retried { try restoreAll(of: name) }
        let read = clock.now
        let checkpointSequence = database.checkpointSequence
        try database.forEachRecordRange(after: database.journalStart) { (sequence, group, range) throws(StorageFault) in
            var reader = RecordReader(group, in: range, place: .sequence(sequence))
            try replay(&reader, sequence, isInTables: sequence <= checkpointSequence)
            if sequence == checkpointSequence { checkpointRevision = store.changes.revision }
        }
        try finish()
        (tablesDuration, journalDuration) = (read - began, clock.now - read)
    }

    // MARK: Tables

    private mutating func readJobs() throws(StorageFault) {
        var targetCounts: [UInt64: Int] = [:]
        try database.forEachJob { (number, body) throws(StorageFault) in
            var reader = RecordReader(body, place: .row("jobs", number))
            guard let number = UInt64(exactly: number) else { throw reader.malformed("no such number of a job") }
            let job = try StoredJob.created(number, at: 0, changes: store.changes, from: &reader)
            targetCounts[job.number] = try job.withState { (state) throws(StorageFault) in
                try job.readDecisions(&state, from: &reader)
                return try job.readProgress(&state, from: &reader)
            }
            jobs[job.number] = job
        }
        try database.forEachTargets { (number, chunk, body) throws(StorageFault) in
            guard let job = UInt64(exactly: number).flatMap({ jobs[$0] }) else { return }
            var reader = RecordReader(body, place: .cell("targets", number, chunk))
            let names = try JobTargets.names(from: &reader)
            job.state.withLock { $0.restore(names, row: chunk) }
        }
        for (number, count) in targetCounts {
            guard let job = jobs[number] else { continue }
            guard job.state.withLock({ $0.endTargets(count, of: job.announcedTargetCount) }) else {
                throw .damaged("targets are missing", at: "jobs, row \(number)")
            }
        }
    }

    /// Returns the thing's name if there are earlier attempts, which are to be where the later ones are.
    @discardableResult
    private mutating func restore(_ row: ExecutionRow, _ bytes: RawSpan) throws(StorageFault) -> ThingName? {
        // Rows of a job that is gone are deleted with the checkpoint that deletes the job's.
        guard let job = UInt64(exactly: row.job).flatMap({ jobs[$0] }) else { return nil }
        let place = RecordPlace.cell("executions", row.job, row.position)
        guard let position = UInt32(exactly: row.position), Int(position) < job.executionCountMax else {
            throw .damaged("the job has no such execution", at: "\(place)")
        }
        guard job.state.withLock({ $0.reference(at: position) }) == nil else { return nil }
        let body = try ExecutionRowBody(bytes, place: place)
        var text = row.thing
        text.makeContiguousUTF8()
        guard let name = ThingName(received: text.utf8Span.span.bytes) else {
            throw .damaged("the thing's name is too long", at: "\(place)")
        }
        insert(body, of: job, on: name, position: position)
        return body.image.record.retryAttempt > 0 ? name : nil
    }

    private mutating func restoreAll(of name: ThingName) throws(StorageFault) {
        try database.forEachExecution(ofThing: name.description) { (row, bytes) throws(StorageFault) in
            try restore(row, bytes)
        }
    }

    /// A record is about an execution that stayed in the tables.
    private mutating func bringBack(_ job: StoredJob, _ position: UInt32) throws(StorageFault) {
        guard job.state.withLock({ $0.isAbsent(position) }) else { return }
        var name: ThingName?
        _ = try database.execution(Int64(job.number), position: Int64(position)) { (row, bytes) throws(StorageFault) in
            name = try? ThingName(row.thing)
        }
        if let name { try restoreAll(of: name) }
    }

    private mutating func insert(
        _ body: ExecutionRowBody, of job: StoredJob, on name: ThingName, position: UInt32
    ) {
        let (stripe, hash) = store.stripe(of: name)
        let reference = stripe.content.withLock { $0.restore(body, of: job, on: name, hash: hash, at: position, &turn) }
        job.state.withLock { $0.place(reference, at: position) }
    }

    // MARK: Journal

    /// `isInTables`: only its events are wanted, for watches that come back.
    private mutating func replay(
        _ reader: inout RecordReader, _ sequence: UInt64, isInTables: Bool
    ) throws(StorageFault) {
        guard let kind = RecordKind(rawValue: try reader.byte()) else { throw reader.malformed("no such record") }
        if !isInTables { replayedCount += 1 }
        if kind == .deletionSettled {
            if sequence > facts.deletionsSequence {
                let (key, _) = (try reader.key(), try reader.integer(UInt64.self))
                facts.deletions.settle(key, try reader.outcome())
            }
            return
        }
        let revision = try reader.integer(UInt64.self)
        let number = try reader.integer(UInt64.self)
        guard number < RecordReader.numberMax else { throw reader.malformed("no such number of a job") }
        let identity = identity(number, try reader.jobId())
        var replay = RecordReplay(
            sequence: sequence, revision: revision, identity: identity, job: jobs[number], isInTables: isInTables)
        switch kind {
        case .executionChanged: try changeExecution(&replay, &reader)
        case .executionQueued: try queueExecution(&replay, &reader)
        case .executionDeleted: try deleteExecution(&replay, &reader)
        case .reportRefused: try refuseReport(replay, &reader)
        case .jobBegun, .targetsReceived: try receiveTargets(&replay, &reader, number, isFirst: kind == .jobBegun)
        case .jobChanged: try changeJob(&replay, &reader)
        case .targetExcluded: try excludeTarget(&replay, &reader)
        case .jobGone: try removeJob(&replay, &reader, number)
        case .deletionSettled: break
        }
        try restore(replay)
    }

    private func restore(_ replay: RecordReplay) throws(StorageFault) {
        var revision = replay.revision
        for event in replay.events {
            guard store.changes.revision + 1 == revision else {
                throw .damaged(
                    "revision \(revision) follows \(store.changes.revision)", at: "journal, sequence \(replay.sequence)"
                )
            }
            store.changes.restore(event)
            revision += 1
        }
    }

    private mutating func identity(_ number: UInt64, _ id: JobId) -> JobIdentity {
        if let identity = jobs[number]?.identity ?? identities[number] { return identity }
        let identity = JobIdentity(id)
        identities[number] = identity
        return identity
    }

    private mutating func changeExecution(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let change = try ExecutionChange(from: &reader)
        replay.events.append(
            FeedEvent(
                change.image.record, from: change.from, by: change.actor, job: replay.identity, thingName: name))
        let tag = try reader.byte()
        var retry: (position: UInt32, image: ExecutionImage)?
        if tag == 1 {
            retry = (try reader.integer(), try ExecutionImage(from: &reader))
            if let record = retry?.image.record {
                replay.events.append(
                    FeedEvent(record, from: nil, by: .service, job: replay.identity, thingName: name))
            }
        } else if tag == 2 {
            replay.events.append(try JobEvent(from: &reader).event(of: replay.identity))
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

    private mutating func queueExecution(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let position = try reader.integer(UInt32.self)
        let end = try reader.cursor()
        let image = try ExecutionImage(from: &reader)
        replay.events.append(
            FeedEvent(image.record, from: nil, by: .service, job: replay.identity, thingName: name))
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

    private mutating func deleteExecution(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let deletion = try ExecutionDeletion(from: &reader)
        replay.events.append(try deletion.event(job: replay.identity, thingName: name, from: &reader))
        let call: KeyedCall? =
            try reader.flag() ? KeyedCall(key: try reader.key(), fingerprint: try reader.integer()) : nil
        let hasJobEvent = try reader.byte() == 2
        if hasJobEvent { replay.events.append(try JobEvent(from: &reader).event(of: replay.identity)) }
        if let call, replay.isNews(facts.deletionsSequence) {
            facts.deletions.remember(call.key, call.fingerprint, .executionDeleted)
        }
        guard let job = replay.wanted else { return }
        try bringBack(job, deletion.position)
        try check(deletion.position, of: job, replay)
        removeSlot(replay, job, deletion.position)
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

    private mutating func refuseReport(_ replay: RecordReplay, _ reader: inout RecordReader) throws(StorageFault) {
        let refused = try RefusedReport(from: &reader)
        guard let job = replay.wanted else { return }
        try bringBack(job, refused.position)
        try apply(replay, job, refused.position) { stripe, slot, _ in
            stripe.slots[slot].log.append(
                refused.event, details: refused.details, queuedAt: stripe.slots[slot].record.queuedAtMilliseconds)
        }
    }

    private mutating func receiveTargets(
        _ replay: inout RecordReplay, _ reader: inout RecordReader, _ number: UInt64, isFirst: Bool
    ) throws(StorageFault) {
        let at = try reader.integer(Int64.self)
        if isFirst {
            let job = try StoredJob.created(number, at: at, changes: store.changes, from: &reader)
            if replay.job == nil, !replay.isInTables {
                jobs[number] = job
                replay.job = job
            }
        }
        let creationNumber = try reader.integer(UInt64.self)
        let names = try JobTargets.names(from: &reader)
        if replay.revision > 0 {
            // `lastProgressAt` of a job that got its last targets just now.
            let event = JobEvent(nil, .inProgress, by: .fleetOperator, at: at)
            replay.events.append(event.event(of: replay.identity))
        }
        guard let job = replay.wanted else { return }
        facts.lastJobNumber = max(facts.lastJobNumber, number)
        facts.lastCreationNumber = max(facts.lastCreationNumber, creationNumber)
        job.state.withLock { state in
            guard replay.isNews(state.lastSequence) else { return }
            state.receive(names[...], of: job.announcedTargetCount, at: at)
            state.creationNumber = creationNumber
            job.noteRecorded(&state, replay.sequence)
        }
    }

    private mutating func changeJob(_ replay: inout RecordReplay, _ reader: inout RecordReader) throws(StorageFault) {
        if try reader.flag() { replay.events.append(try JobEvent(from: &reader).event(of: replay.identity)) }
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

    private mutating func excludeTarget(
        _ replay: inout RecordReplay, _ reader: inout RecordReader
    ) throws(StorageFault) {
        let name = try reader.thingName()
        let at = try reader.integer(Int64.self)
        let hasJobEvent = try reader.byte() == 2
        if hasJobEvent { replay.events.append(try JobEvent(from: &reader).event(of: replay.identity)) }
        guard let job = replay.wanted else { return }
        try job.withState { (state) throws(StorageFault) in
            guard replay.isNews(state.lastSequence) else { return }
            _ = state.exclude(name, at: at)
            if hasJobEvent { try job.readDecisions(&state, from: &reader) }
            job.noteRecorded(&state, replay.sequence)
        }
    }

    private mutating func removeJob(
        _ replay: inout RecordReplay, _ reader: inout RecordReader, _ number: UInt64
    ) throws(StorageFault) {
        let status = try reader.jobStatus()
        let at = try reader.integer(Int64.self)
        if replay.revision > 0 {
            replay.events.append(FeedEvent(.jobDeleted(from: status), by: .fleetOperator, job: replay.identity, at: at))
        }
        guard let job = replay.wanted else { return }
        let isEmpty = job.state.withLock { $0.executions.allSatisfy { $0.slot == ExecutionSlot.none } }
        guard isEmpty else { throw replay.malformed("executions outlive their job") }
        jobs[number] = nil
        identities[number] = replay.identity
        removedJobs.append(
            JobTable.RemovedJob(
                number: number, targetRows: job.state.withLock { $0.targetRows }, sequence: replay.sequence))
    }

    // MARK: Slots

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

    // MARK: The end

    /// Makes what time and sweeps are to bring due.
    private func finish() throws(StorageFault) {
        store.archive?.count.store(
            max(0, jobs.values.reduce(0) { $0 + $1.state.withLock { $0.absentCount } }), ordering: .relaxed)
        let now = turn.now
        let rules = store.rules
        for job in jobs.values {
            try job.withState { (state) throws(StorageFault) in
                guard state.counts.isPlausible, state.attempts.isPlausible,
                    0...job.announcedTargetCount ~= state.notYetQueuedCount
                else { throw .damaged("its records do not add up", at: "job \(job.number)") }
                state.rollout = state.queuedUpTo
                state.notifiedCount = state.queuedThingCount
            }
        }
        let ordered = jobs.values.sorted { $0.number < $1.number }
        store.jobs.withLock { table in
            table.restore(facts, removed: removedJobs)
            for job in ordered { table.restore(job, at: now) }
        }
        for job in ordered {
            if let due = job.nextRolloutDue(minute: rules.minuteLengthMilliseconds, at: now) {
                store.jobs.withLock { $0.scheduleRollout(of: job, at: due) }
            }
        }
    }
}
