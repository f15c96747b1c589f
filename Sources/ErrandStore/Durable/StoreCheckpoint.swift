import Dispatch
import ErrandCore
import Synchronization

/// Folds the journal into the tables while the store goes on.
///
/// What has changed since the last checkpoint is copied from memory and written in short transactions between two groups of
/// the journal, so that nobody waits for long: in the order of the table, because neighbours share a page and a page is
/// written as a whole. Rows may so be newer than the checkpoint, but never than the journal: a slice is written when all
/// that it shows is durable. The last of these transactions deletes the rows of what is gone and moves the checkpoint, all
/// at once. Then the journal is cut, a few groups at a time.
struct StoreCheckpoint {
    let store: MemoryExecutionStore
    let committer: GroupCommitter<JournalDatabase>
    /// Where the journal is to begin: what came before is neither needed for the tables nor for watches.
    let journalStart: (sequence: UInt64, revision: UInt64)
    /// How many rows are written in one transaction.
    var pace = SlicePace()
    /// Moves the WAL beside the writer; without one it is moved while the writer waits.
    var mover: WALMover?
    /// Of things, as an earlier checkpoint stored it: this one captures others, and must not store less.
    var greatestSequence: UInt32 = 0
    /// Whether nobody is served any more, so that nobody waits for a transaction, but for the end of all of them.
    var isEnding: () -> Bool = { false }
    /// Whether nobody is to wait any more for what can be given up: the next start replays the journal instead.
    var isStopping: () -> Bool = { false }
    /// Waits while the disk is full. Returns whether to try again.
    let pause: () -> Bool

    private static let targetsPerRow = 4096

    struct Outcome {
        var rowCount = 0
        /// The tables hold everything up to the point, whatever happened after that.
        var hasMoved = false
        /// The greatest sequence of things that is stored now.
        var greatestSequence: UInt32 = 0
        /// What kept it from being done.
        var fault: StorageFault?
    }

    /// Everything up to here will be in the tables.
    mutating func run(through point: (sequence: UInt64, mark: UInt64)) -> Outcome {
        var outcome = Outcome()
        do throws(StorageFault) {
            var slice = CheckpointSlice()
            for job in store.jobs.withLock({ Array($0.jobs.values) }) {
                capture(job, into: &slice)
                if slice.rowCount >= sliceRowCount { try write(&slice, &outcome) }
            }
            try write(&slice, &outcome)
            var greatestSequence = store.stripes.reduce(greatestSequence) {
                max($0, $1.content.withLock { $0.things.sequenceFloor })
            }
            try writeExecutions(&greatestSequence, &outcome)
            try end(through: point, greatestSequence)
            outcome.hasMoved = true
            outcome.greatestSequence = greatestSequence
            // The end of the store moves all of the WAL; and what is not cut now is cut with the next checkpoint.
            if isEnding() { return outcome }
            try cutJournal()
            try moveWAL()
        } catch {
            outcome.fault = error
        }
        return outcome
    }

    private mutating func writeExecutions(
        _ greatestSequence: inout UInt32, _ outcome: inout Outcome
    ) throws(StorageFault) {
        var dirty: [DirtyRow] = []
        for stripe in store.stripes { stripe.content.withLock { $0.takeDirty(into: &dirty) } }
        dirty.sort { ($0.job, $0.position) < ($1.job, $1.position) }
        var slice = CheckpointSlice()
        for (index, row) in dirty.enumerated() {
            store.stripes[Int(row.stripe)].content.withLock { $0.capture(row, into: &slice, &greatestSequence) }
            guard slice.rowCount >= sliceRowCount || index == dirty.count - 1 else { continue }
            do throws(StorageFault) {
                try write(&slice, &outcome)
                if isStopping() { throw .stopped }
                if let mover, mover.isDue { try moveWAL() }
            } catch {
                // The others are still to be written.
                for row in dirty[(index + 1)...] {
                    store.stripes[Int(row.stripe)].content.withLock { $0.dirtySlots.append(row.slot) }
                }
                throw error
            }
        }
    }

    /// Where nobody is served any more, a transaction may take as long as it wants.
    private var sliceRowCount: Int { isEnding() ? 8192 : pace.rowCount }

    /// The job's own row and those of targets that came since, which belong together.
    private func capture(_ job: StoredJob, into slice: inout CheckpointSlice) {
        job.state.withLock { state in
            guard state.isDirty else { return }
            state.isDirty = false
            while state.storedTargetCount < state.targets.count {
                let start = state.storedTargetCount
                slice.addTargets(job.number, row: Int64(start)) { buffer in
                    state.targets.append(from: start, atMost: Self.targetsPerRow, to: &buffer)
                }
                state.targetRows.append(Int64(start))
                state.storedTargetCount = min(state.targets.count, start + Self.targetsPerRow)
            }
            slice.addJob(job.number, shows: state.lastSequence) { buffer in
                job.appendCreation(to: &buffer)
                job.appendDecisions(state, to: &buffer)
                job.appendProgress(state, to: &buffer)
            }
        }
    }

    private mutating func write(_ slice: inout CheckpointSlice, _ outcome: inout Outcome) throws(StorageFault) {
        guard slice.rowCount > 0 else { return }
        outcome.rowCount += slice.rowCount
        try waitUntilDurable(slice.sequence)
        let written = slice
        slice = CheckpointSlice()
        let duration = Mutex(Duration.zero)
        try perform { (database) throws(StorageFault) in
            let clock = ContinuousClock()
            let began = clock.now
            try database.fold { (transaction) throws(StorageFault) in try written.put(transaction) }
            duration.withLock { $0 = clock.now - began }
        }
        pace.note(rowCount: written.rowCount, took: duration.withLock { $0 })
    }

    private func end(
        through point: (sequence: UInt64, mark: UInt64), _ greatestSequence: UInt32
    ) throws(StorageFault) {
        var facts = StoreFacts(journalStartRevision: journalStart.revision)
        facts.lastSequenceOfThings = greatestSequence
        let removedJobs = store.jobs.withLock { table in
            facts.lastJobNumber = table.lastJobNumber
            facts.lastCreationNumber = table.lastCreationNumber
            facts.deletions = table.deletions
            // Deletions are remembered and recorded under this lock.
            facts.deletionsSequence = store.changes.recordedSequence
            return table.removed.filter { $0.sequence <= point.sequence }
                .map { (number: Int64($0.job.number), targetRows: $0.targetRows) }
        }
        let removedRows = store.stripes.map { stripe in
            stripe.content.withLock { $0.removedRows.filter { $0.sequence <= point.sequence } }
        }
        try waitUntilDurable(facts.deletionsSequence)
        let start = journalStart.sequence
        try perform { [facts] (database) throws(StorageFault) in
            try database.moveCheckpoint(through: point.sequence, journalStart: start) {
                (transaction) throws(StorageFault) in
                for row in removedRows.joined() {
                    try transaction.deleteExecution(Int64(row.jobNumber), position: Int64(row.position))
                }
                for job in removedJobs {
                    for row in job.targetRows { try transaction.deleteTargets(job.number, chunk: row) }
                    try transaction.deleteJob(job.number)
                }
                var buffer = JournalBuffer()
                facts.append(to: &buffer)
                try transaction.putFact(StoreFacts.name, body: buffer.span)
            }
        }
        store.jobs.withLock { table in table.removed.removeAll { $0.sequence <= point.sequence } }
        for stripe in store.stripes {
            stripe.content.withLock { $0.removedRows.removeAll { $0.sequence <= point.sequence } }
        }
    }

    private func cutJournal() throws(StorageFault) {
        let hasMore = Mutex(true)
        while hasMore.withLock({ $0 }), !isEnding() {
            try perform { (database) throws(StorageFault) in
                let isMore = try database.trimJournal()
                hasMore.withLock { $0 = isMore }
            }
        }
    }

    // MARK: The writer's queue

    private func waitUntilDurable(_ sequence: UInt64) throws(StorageFault) {
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<StorageFault?>(nil)
        committer.begin()
        committer.whenDurable(sequence) { result in
            if case .failure(let fault) = result { outcome.withLock { $0 = fault } }
            done.signal()
        }
        // A full disk may keep it from that for as long as it is full, which a stop does not wait for.
        while done.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
            if isStopping() || (isEnding() && !committer.isRunning) { throw .stopped }
        }
        if let fault = outcome.withLock({ $0 }) { throw fault }
    }

    /// Moves the WAL into the database: what there is of it beside the writer, and the rest between two groups.
    func moveWAL() throws(StorageFault) {
        guard committer.isRunning else { return }
        var fault = mover?.move()
        // Where there was no room, the writer tries again as often as it takes.
        if case .diskFull? = fault { fault = nil }
        try perform { [fault] (database) throws(StorageFault) in
            if let fault { try database.note(fault) }
            try database.moveWAL()
        }
    }

    /// Runs `body` between two groups; again and again while there is no room.
    private func perform(
        _ body: @escaping @Sendable (JournalDatabase) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        while true {
            let done = DispatchSemaphore(value: 0)
            let outcome = Mutex<StorageFault?>(nil)
            committer.performBetweenGroups { (database) throws(StorageFault) in
                defer { done.signal() }
                do throws(StorageFault) {
                    try body(database)
                } catch {
                    outcome.withLock { $0 = error }
                    throw error
                }
            }
            done.wait()
            guard let fault = outcome.withLock({ $0 }) else { return }
            guard case .diskFull = fault, pause() else { throw fault }
        }
    }
}
