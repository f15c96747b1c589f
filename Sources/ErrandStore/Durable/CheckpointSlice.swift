import ErrandCore

/// Rows on their way into the tables.
struct CheckpointSlice: Sendable {
    private struct Row: Sendable {
        var job: UInt64
        /// Of targets: the row.
        var number: Int64
        var body: Range<Int>
    }

    private var jobs: [Row] = []
    private var targets: [Row] = []
    private var executions: [(row: ExecutionRow, body: Range<Int>)] = []
    /// All bodies, one behind the other.
    private var bytes: [UInt8] = []
    /// The newest record that the rows show.
    private(set) var sequence: UInt64 = 0

    var rowCount: Int { jobs.count + targets.count + executions.count }

    mutating func addJob(_ job: UInt64, shows sequence: UInt64, _ write: (inout JournalBuffer) -> Void) {
        self.sequence = max(self.sequence, sequence)
        jobs.append(Row(job: job, number: 0, body: append(write)))
    }

    mutating func addTargets(_ job: UInt64, row: Int64, _ write: (inout JournalBuffer) -> Void) {
        targets.append(Row(job: job, number: row, body: append(write)))
    }

    mutating func add(_ slot: borrowing ExecutionSlot, on thingName: ThingName) {
        sequence = max(sequence, slot.lastSequence)
        let isFinished = slot.record.status.isTerminal
        let body = append { ExecutionRowBody.append(slot, to: &$0) }
        let row = ExecutionRow(
            job: Int64(slot.job.number), position: Int64(slot.jobPosition), thing: thingName.description,
            isFinished: isFinished, finishedAtMilliseconds: isFinished ? slot.record.lastUpdatedAtMilliseconds : 0)
        executions.append((row, body))
    }

    func put(_ transaction: borrowing StateTransaction) throws(StorageFault) {
        let bytes = bytes.span.bytes
        for row in targets {
            try transaction.putTargets(Int64(row.job), chunk: row.number, body: bytes.extracting(row.body))
        }
        for row in jobs { try transaction.putJob(Int64(row.job), body: bytes.extracting(row.body)) }
        for (row, body) in executions { try transaction.putExecution(row, body: bytes.extracting(body)) }
    }

    private mutating func append(_ write: (inout JournalBuffer) -> Void) -> Range<Int> {
        let start = bytes.count
        var buffer = JournalBuffer(capacity: 1024)
        write(&buffer)
        // The array copies the bytes during the call.
        buffer.span.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return start..<bytes.count
    }
}

/// An execution whose row is out of date, and where it is in memory.
struct DirtyRow {
    var job: UInt64
    var position: UInt32
    var slot: UInt32
    var stripe: UInt16
}

extension Stripe {
    /// Appends all executions whose rows are out of date. They stay marked until they are captured.
    mutating func takeDirty(into rows: inout [DirtyRow]) {
        for index in dirtySlots {
            let slot = Int(index)
            guard slots[slot].isDirty, slots[slot].job !== StoredJob.vacant else { continue }
            rows.append(
                DirtyRow(
                    job: slots[slot].job.number, position: slots[slot].jobPosition, slot: index, stripe: number))
        }
        dirtySlots = []
    }

    /// Copies an execution whose row is out of date. It may be gone by now, and another one in its slot, which is then
    /// copied.
    mutating func capture(_ row: DirtyRow, into slice: inout CheckpointSlice, _ greatestSequence: inout UInt32) {
        let slot = Int(row.slot)
        guard slots[slot].isDirty, slots[slot].job !== StoredJob.vacant else { return }
        slots[slot].isDirty = false
        greatestSequence = max(greatestSequence, max(slots[slot].sequence, slots[slot].startSequence))
        slice.add(slots[slot], on: things.name(of: slots[slot].thing))
    }
}
