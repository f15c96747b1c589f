import ErrandCore
import Synchronization

/// Puts executions into memory from their rows: all of them, or those of a part of the table, beside others that put in the
/// rows of other parts.
///
/// `@unchecked Sendable`: one thread at a time has it, the one that reads its part; whoever started these has it again when
/// all of them are done.
final class ExecutionRestorer: @unchecked Sendable {
    private let store: MemoryExecutionStore
    private let jobs: [UInt64: StoredJob]
    /// Of the journal's last record.
    private let lastSequence: UInt64
    private var turn: Turn
    /// Of executions with earlier attempts, which are to be where the later ones are.
    private(set) var retried: Set<ThingName> = []
    /// Whose rows come just now, and where their executions are, which the job is yet to be told: its lock is one that other
    /// parts want too.
    private var job: StoredJob?
    private var placed: [(position: UInt32, reference: ExecutionReference)] = []
    private static let placedCountMax = 1024

    init(_ store: MemoryExecutionStore, jobs: [UInt64: StoredJob], journalUpTo lastSequence: UInt64, at now: Int64) {
        self.store = store
        self.jobs = jobs
        self.lastSequence = lastSequence
        turn = Turn(at: now)
    }

    func restore(_ row: ExecutionRowSpan) throws(StorageFault) {
        // Rows of a job that is gone are deleted with the checkpoint that deletes the job's.
        guard let number = UInt64(exactly: row.job), let job = job(number) else { return }
        let cell = RecordPlace.cell("executions", row.job, row.position)
        guard let position = UInt32(exactly: row.position), Int(position) < job.executionCountMax else {
            throw .damaged("the job has no such execution", at: "\(cell)")
        }
        let body = try ExecutionRowBody(row.body, place: cell)
        try cell.check(showing: body.lastSequence, ofJournalUpTo: lastSequence)
        guard let name = ThingName(received: row.thing) else {
            throw .damaged("the thing's name is too long", at: "\(cell)")
        }
        let (stripe, hash) = store.stripe(of: name)
        let reference = stripe.content.withLock { $0.restore(body, of: job, on: name, hash: hash, at: position, &turn) }
        placed.append((position, reference))
        if body.image.record.retryAttempt > 0 { retried.insert(name) }
        if placed.count >= Self.placedCountMax { place() }
    }

    /// Rows come job by job.
    private func job(_ number: UInt64) -> StoredJob? {
        if let job, job.number == number { return job }
        place()
        job = jobs[number]
        return job
    }

    /// Tells the job where its executions are.
    func place() {
        guard let job else { return }
        job.state.withLock { state in
            for (position, reference) in placed { state.place(reference, at: position) }
        }
        placed.removeAll(keepingCapacity: true)
    }
}
