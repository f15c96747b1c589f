internal import ErrandCore
internal import Synchronization

/// Executions that are in the tables only: finished ones that nobody has asked for lately.
///
/// Reads on connections of its own, on the thread that asks, while no lock of the store is held. A read sees all that was
/// committed before, and what leaves memory has been.
final class ExecutionArchive: Sendable {
    private let path: String
    private let readers = Mutex<[ArchiveReader]>([])
    /// How many executions are not in memory.
    let count = Atomic<Int>(0)
    /// Rises whenever executions leave memory, under the lock of their stripe, so that nobody puts back what was read before
    /// that, nor believes that what has just left was never there.
    let departures = Atomic<UInt64>(0)

    init(directory: String) { path = StoreDirectory.databasePath(in: directory) }

    var isEmpty: Bool { count.load(ordering: .acquiring) <= 0 }

    struct StoredExecution {
        var row: ExecutionRow
        var body: ExecutionRowBody
    }

    func executions(ofThing name: ThingName) throws(StorageFault) -> [StoredExecution] {
        try read { (reader) throws(StorageFault) in try reader.executions(ofThing: name.description) }
    }

    func executions(ofJob number: UInt64, at positions: Range<Int>) throws(StorageFault) -> [StoredExecution] {
        try read { (reader) throws(StorageFault) in
            try reader.executions(
                ofJob: Int64(number), from: Int64(positions.lowerBound), to: Int64(positions.upperBound))
        }
    }

    private func read<Result>(_ body: (ArchiveReader) throws(StorageFault) -> Result) throws(StorageFault) -> Result {
        var reader = readers.withLock { $0.popLast() }
        if reader == nil { reader = try ArchiveReader(path: path) }
        guard let reader else { throw .stopped }
        let result = try body(reader)
        // One whose read failed is let go.
        readers.withLock { $0.append(reader) }
        return result
    }
}

/// One connection for reading.
///
/// `@unchecked Sendable`: whoever takes it out of the archive's list has it alone.
private final class ArchiveReader: @unchecked Sendable {
    private let connection: SQLiteConnection
    private let ofThing: SQLiteStatement
    private let ofJob: SQLiteStatement
    /// Of the journal's last record, when it was last looked at.
    private var lastSequence: UInt64 = 0

    init(path: String) throws(StorageFault) {
        connection = try SQLiteConnection(path: path, mayCreate: false)
        try StoreSchema.configureReader(connection)
        let columns = StoreStatements.executionColumns
        ofThing = try connection.prepare(
            "SELECT \(columns) FROM executions INDEXED BY executionsByThing WHERE thing = ?1 ORDER BY job, position")
        ofJob = try connection.prepare(
            "SELECT \(columns) FROM executions WHERE job = ?1 AND position >= ?2 AND position < ?3 ORDER BY position")
    }

    func executions(ofThing name: String) throws(StorageFault) -> [ExecutionArchive.StoredExecution] {
        try ofThing.bindCopy(of: name, at: 1)
        return try rows(of: ofThing)
    }

    func executions(
        ofJob job: Int64, from: Int64, to: Int64
    ) throws(StorageFault) -> [ExecutionArchive.StoredExecution] {
        try ofJob.bind(job, at: 1)
        try ofJob.bind(from, at: 2)
        try ofJob.bind(to, at: 3)
        return try rows(of: ofJob)
    }

    private func rows(of statement: SQLiteStatement) throws(StorageFault) -> [ExecutionArchive.StoredExecution] {
        defer { statement.reset() }
        var found: [ExecutionArchive.StoredExecution] = []
        while try statement.step() {
            try statement.readExecution { (row, bytes) throws(StorageFault) in
                let place = RecordPlace.cell("executions", row.job, row.position)
                let body = try ExecutionRowBody(bytes, place: place)
                // The row is still being read, so this sees the same commit as it does.
                if body.lastSequence > lastSequence { lastSequence = try StoreMeta.load(from: connection).lastSequence }
                try place.check(showing: body.lastSequence, ofJournalUpTo: lastSequence)
                found.append(ExecutionArchive.StoredExecution(row: row, body: body))
            }
        }
        return found
    }
}
