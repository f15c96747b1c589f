import ErrandCore
import Synchronization

/// Puts a store in memory together again from its tables and the journal behind them.
///
/// Rows may be newer than the checkpoint that the journal follows, since a checkpoint writes them while the store goes on. So
/// each row says which record it shows last, and a record changes only what does not show it yet.
struct StoreRecovery {
    let store: MemoryExecutionStore
    var facts: StoreFacts
    var jobs: [UInt64: StoredJob] = [:]
    /// Jobs that the journal takes away, which have nothing in memory any more.
    var removedJobs: [JobTable.RemovedJob] = []
    var identities: [UInt64: JobIdentity] = [:]
    private(set) var replayedCount = 0
    private(set) var tablesDuration = Duration.zero
    private(set) var journalDuration = Duration.zero
    /// Of the newest event that the tables show.
    private(set) var checkpointRevision: UInt64 = 0
    var turn: Turn
    /// Of the newest event so far.
    private var revision: UInt64 = 0
    /// Events of lesser revisions are counted only.
    private var firstKeptRevision: UInt64 = 0
    /// Of the last record. Many records in a row are about the same job.
    var recent: (number: UInt64, identity: JobIdentity, job: StoredJob?)?

    private let parts: ExecutionParts
    /// Whether what is neither needed for the state nor kept for watches is looked at too.
    private let readsAllOfJournal: Bool
    /// Executions that finished before stay in the tables.
    private let finishedSince: Int64
    let database: JournalDatabase

    init(
        into store: MemoryExecutionStore, from database: JournalDatabase, facts: StoreFacts, finishedSince: Int64,
        at now: Int64, readsAllOfJournal: Bool = false, parts: ExecutionParts = ExecutionParts()
    ) {
        self.store = store
        self.database = database
        self.facts = facts
        self.finishedSince = finishedSince
        self.readsAllOfJournal = readsAllOfJournal
        self.parts = parts
        turn = Turn(at: now)
    }

    /// A new store begins with revisions that no other store ever gave, and remembers which.
    static func facts(of database: JournalDatabase, at now: Int64) throws(StorageFault) -> StoreFacts {
        var facts = StoreFacts(journalStartRevision: ChangeFeed.firstRevision(startedAtMilliseconds: now) - 1)
        let isThere = try database.fact(StoreFacts.name) { (body) throws(StorageFault) in
            var reader = RecordReader(body, place: StoreFacts.place)
            facts = try StoreFacts(from: &reader)
            try StoreFacts.place.check(showing: facts.deletionsSequence, ofJournalUpTo: database.lastSequence)
        }
        if !isThere {
            // Not every row that is not found was never written: an index may have lost it.
            guard database.statistics().factCount == 0, database.lastSequence == 0 else {
                throw .damaged("the row is missing", at: "\(StoreFacts.place)")
            }
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
                $0.things.reserve(slotCount)
            }
        }
        try readJobs()
        try readExecutions()
        let read = clock.now
        try readJournal()
        try finish()
        (tablesDuration, journalDuration) = (read - began, clock.now - read)
    }

    // MARK: Tables

    private mutating func readJobs() throws(StorageFault) {
        var targetCounts: [UInt64: Int] = [:]
        try database.forEachJob { (number, body) throws(StorageFault) in
            let place = RecordPlace.row("jobs", number)
            var reader = RecordReader(body, place: place)
            guard let number = UInt64(exactly: number) else { throw reader.malformed("no such number of a job") }
            let job = try StoredJob.created(number, at: 0, changes: store.changes, from: &reader)
            targetCounts[job.number] = try job.withState { (state) throws(StorageFault) in
                try job.readDecisions(&state, from: &reader)
                let targetCount = try job.readProgress(&state, from: &reader)
                try place.check(showing: state.lastSequence, ofJournalUpTo: database.lastSequence)
                // Only those that are yet to be queued are looked for by name.
                state.isStaged = targetCount < job.announcedTargetCount
                return targetCount
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

    private mutating func readExecutions() throws(StorageFault) {
        let splits = parts.splits(of: jobs.values)
        let restorers = (0...splits.count).map { _ in restorer() }
        try database.forEachExecution(openOrFinishedSince: finishedSince, splits: splits) {
            (part, row) throws(StorageFault) in
            try restorers[part].restore(row)
        }
        for restorer in restorers { restorer.place() }
        for restorer in restorers {
            for name in restorer.retried { try restoreAll(of: name) }
        }
    }

    private func restorer() -> ExecutionRestorer {
        ExecutionRestorer(store, jobs: jobs, journalUpTo: database.lastSequence, at: turn.now)
    }

    mutating func restoreAll(of name: ThingName) throws(StorageFault) {
        let restorer = restorer()
        try database.forEachExecution(ofThing: name.description) { (row) throws(StorageFault) in
            guard let job = UInt64(exactly: row.job).flatMap({ jobs[$0] }),
                let position = UInt32(exactly: row.position)
            else { return }
            // The rows of deleted ones stay until a checkpoint has shown that they are gone.
            guard !job.state.withLock({ $0.isKnown(position) }) else { return }
            try restorer.restore(row)
        }
        restorer.place()
    }

    // MARK: Journal

    private mutating func readJournal() throws(StorageFault) {
        revision = store.changes.revision
        let start = try EventStart(
            in: database, keeping: readsAllOfJournal ? UInt64.max : UInt64(store.changes.historyCountMax))
        if let later = start.revision, later > revision { revision = later }
        firstKeptRevision = start.firstKept
        checkpointRevision = revision
        let checkpointSequence = database.checkpointSequence
        try database.forEachRecord(after: start.sequence) { (sequence, record) throws(StorageFault) in
            var reader = RecordReader(record, place: .sequence(sequence))
            try replay(&reader, sequence, isInTables: sequence <= checkpointSequence)
            if sequence == checkpointSequence { checkpointRevision = revision }
        }
        // Of the newest events some are always kept, unless there are none at all.
        if store.changes.revision < revision { store.changes.skip(to: revision) }
    }

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
        let (identity, job) = try identify(number, &reader)
        // One record has two events at most.
        let keepsEvents = revision >= firstKeptRevision || firstKeptRevision - revision < 2
        var replay = RecordReplay(
            sequence: sequence, revision: revision, identity: identity, job: job, isInTables: isInTables,
            keepsEvents: keepsEvents)
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

    private mutating func restore(_ replay: RecordReplay) throws(StorageFault) {
        guard replay.eventCount > 0 else { return }
        let (next, overflows) = revision.addingReportingOverflow(1)
        guard next == replay.revision, !overflows, next < UInt64.max >> 1 else {
            throw .damaged(
                "revision \(replay.revision) follows \(revision)", at: "journal, sequence \(replay.sequence)")
        }
        for event in replay.events {
            if revision + 1 >= firstKeptRevision {
                if store.changes.revision < revision { store.changes.skip(to: revision) }
                store.changes.restore(event)
            }
            revision += 1
        }
        if !replay.keepsEvents { revision += replay.eventCount }
    }

    /// What the record's job is called, and the job if it is there.
    private mutating func identify(
        _ number: UInt64, _ reader: inout RecordReader
    ) throws(StorageFault) -> (JobIdentity, StoredJob?) {
        if let recent, recent.number == number {
            try reader.skipName()
            return (recent.identity, recent.job)
        }
        let id = try reader.jobId()
        let job = jobs[number]
        let identity = job?.identity ?? identities[number] ?? JobIdentity(id)
        if job == nil { identities[number] = identity }
        recent = (number, identity, job)
        return (identity, job)
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
