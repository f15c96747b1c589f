import Dispatch
import ErrandCore
import Synchronization

/// Folds the journal into the tables while the store goes on.
///
/// What has changed since the last checkpoint is copied from memory, a few hundred executions in one hold of a stripe's
/// lock, and written in transactions of that size between two groups of the journal, so that nobody waits for long. Rows may
/// so be newer than the checkpoint, but never than the journal: a slice is written when all that it shows is durable. The
/// last transaction writes what is left, deletes the rows of what is gone and moves the checkpoint, all at once.
struct StoreCheckpoint {
    let store: MemoryExecutionStore
    let committer: GroupCommitter<JournalDatabase>
    /// Where the journal is to begin: what came before is neither needed for the tables nor for watches.
    let journalStart: (sequence: UInt64, revision: UInt64)
    /// How many rows are written in one transaction.
    var rowsPerSlice = 512
    /// Waits while the disk is full. Returns whether to try again.
    let pause: () -> Bool

    private static let targetsPerRow = 4096

    /// Everything up to here will be in the tables. Returns what kept it from that.
    func run(through point: (sequence: UInt64, mark: UInt64)) -> StorageFault? {
        var slice = CheckpointSlice()
        for job in store.jobs.withLock({ Array($0.jobs.values) }) {
            capture(job, into: &slice)
            if slice.rowCount >= rowsPerSlice, let fault = write(&slice) { return fault }
        }
        if let fault = write(&slice) { return fault }
        var greatestSequence = store.stripes.reduce(0) { max($0, $1.content.withLock { $0.things.sequenceFloor }) }
        for stripe in store.stripes {
            var isDone = false
            while !isDone {
                isDone = stripe.content.withLock {
                    $0.captureDirty(atMost: rowsPerSlice, into: &slice, &greatestSequence)
                }
                if slice.rowCount >= rowsPerSlice, let fault = write(&slice) { return fault }
            }
        }
        if let fault = write(&slice) { return fault }
        return end(through: point, greatestSequence)
    }

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

    private func write(_ slice: inout CheckpointSlice) -> StorageFault? {
        guard slice.rowCount > 0 else { return nil }
        if let fault = waitUntilDurable(slice.sequence) { return fault }
        let written = slice
        slice = CheckpointSlice()
        return perform { (database) throws(StorageFault) in
            try database.fold { (transaction) throws(StorageFault) in try written.put(transaction) }
        }
    }

    private func end(
        through point: (sequence: UInt64, mark: UInt64), _ greatestSequence: UInt32
    ) -> StorageFault? {
        var facts = StoreFacts(journalStartRevision: journalStart.revision)
        facts.lastSequenceOfThings = greatestSequence
        let removedJobs = store.jobs.withLock { table in
            facts.lastJobNumber = table.lastJobNumber
            facts.lastCreationNumber = table.lastCreationNumber
            facts.deletions = table.deletions
            // Deletions are remembered and recorded under this lock.
            facts.deletionsSequence = store.changes.recordedSequence
            return table.removed.filter { $0.sequence <= point.sequence }
        }
        let removedRows = store.stripes.map { stripe in
            stripe.content.withLock { $0.removedRows.filter { $0.sequence <= point.sequence } }
        }
        if let fault = waitUntilDurable(facts.deletionsSequence) { return fault }
        let start = journalStart.sequence
        let fault = perform { [facts] (database) throws(StorageFault) in
            try database.checkpoint(through: point.sequence, journalStart: start) {
                (transaction) throws(StorageFault) in
                for row in removedRows.joined() {
                    try transaction.deleteExecution(Int64(row.jobNumber), position: Int64(row.position))
                }
                for job in removedJobs {
                    for row in job.targetRows { try transaction.deleteTargets(Int64(job.number), chunk: row) }
                    try transaction.deleteJob(Int64(job.number))
                }
                var buffer = JournalBuffer()
                facts.append(to: &buffer)
                try transaction.putFact(StoreFacts.name, body: buffer.bytes.span.bytes)
            }
        }
        if let fault { return fault }
        store.jobs.withLock { table in table.removed.removeAll { $0.sequence <= point.sequence } }
        for stripe in store.stripes {
            stripe.content.withLock { $0.removedRows.removeAll { $0.sequence <= point.sequence } }
        }
        return nil
    }

    // MARK: The writer's queue

    private func waitUntilDurable(_ sequence: UInt64) -> StorageFault? {
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<StorageFault?>(nil)
        committer.begin()
        committer.whenDurable(sequence) { result in
            if case .failure(let fault) = result { outcome.withLock { $0 = fault } }
            done.signal()
        }
        done.wait()
        return outcome.withLock { $0 }
    }

    /// Runs `body` between two groups; again and again while there is no room.
    private func perform(
        _ body: @escaping @Sendable (JournalDatabase) throws(StorageFault) -> Void
    ) -> StorageFault? {
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
            let fault = outcome.withLock { $0 }
            guard case .diskFull? = fault, pause() else { return fault }
        }
    }
}

/// Rows on their way into the tables.
struct CheckpointSlice: Sendable {
    private struct Row: Sendable {
        var job: UInt64
        /// Of an execution: its place; of targets: the row.
        var number: Int64
        var body: [UInt8]
    }

    private var jobs: [Row] = []
    private var targets: [Row] = []
    private var executions: [(row: ExecutionRow, body: [UInt8])] = []
    /// The newest record that the rows show.
    private(set) var sequence: UInt64 = 0

    var rowCount: Int { jobs.count + targets.count + executions.count }

    mutating func addJob(_ job: UInt64, shows sequence: UInt64, _ write: (inout JournalBuffer) -> Void) {
        self.sequence = max(self.sequence, sequence)
        jobs.append(Row(job: job, number: 0, body: Self.bytes(write)))
    }

    mutating func addTargets(_ job: UInt64, row: Int64, _ write: (inout JournalBuffer) -> Void) {
        targets.append(Row(job: job, number: row, body: Self.bytes(write)))
    }

    mutating func add(_ slot: borrowing ExecutionSlot, on thingName: ThingName) {
        sequence = max(sequence, slot.lastSequence)
        let isFinished = slot.record.status.isTerminal
        executions.append(
            (
                ExecutionRow(
                    job: Int64(slot.job.number), position: Int64(slot.jobPosition), thing: thingName.description,
                    isFinished: isFinished,
                    finishedAtMilliseconds: isFinished ? slot.record.lastUpdatedAtMilliseconds : 0),
                Self.bytes { ExecutionRowBody.append(slot, to: &$0) }
            ))
    }

    func put(_ transaction: borrowing StateTransaction) throws(StorageFault) {
        for row in targets {
            try transaction.putTargets(Int64(row.job), chunk: row.number, body: row.body.span.bytes)
        }
        for row in jobs { try transaction.putJob(Int64(row.job), body: row.body.span.bytes) }
        for (row, body) in executions { try transaction.putExecution(row, body: body.span.bytes) }
    }

    private static func bytes(_ write: (inout JournalBuffer) -> Void) -> [UInt8] {
        var buffer = JournalBuffer()
        write(&buffer)
        return buffer.bytes
    }
}

extension Stripe {
    /// Copies executions whose rows are out of date. Returns whether there are no more.
    mutating func captureDirty(
        atMost limit: Int, into slice: inout CheckpointSlice, _ greatestSequence: inout UInt32
    ) -> Bool {
        var count = 0
        while count < limit, let index = dirtySlots.popLast() {
            let slot = Int(index)
            guard slots[slot].isDirty, slots[slot].job !== StoredJob.vacant else { continue }
            slots[slot].isDirty = false
            greatestSequence = max(greatestSequence, max(slots[slot].sequence, slots[slot].startSequence))
            slice.add(slots[slot], on: things.name(of: slots[slot].thing))
            count += 1
        }
        return dirtySlots.isEmpty
    }
}
