/// The durable file of the embedded store: groups of the journal, and the state tables that checkpoints fold them into.
///
/// It knows bytes only; what a record or a body means is its user's business.
///
/// Touched by one thread at a time, and not Sendable: `GroupCommitter` takes it over and uses it on its own queue. Only
/// `backUp` runs anywhere, beside a server too, on a connection of its own.
///
/// After the first write or sync that fails it refuses every further write with that first fault: the kernel may have
/// dropped what it could not write, and the next sync would say that all is well. Only a full disk is different: SQLite
/// has rolled back, and the same write may be tried again.
package final class JournalDatabase {
    let directory: StoreDirectory
    let connection: SQLiteConnection
    let statements: StoreStatements
    /// What is stored; a transaction changes it in step with the tables, and puts it back if it fails.
    var meta: StoreMeta
    /// The first fault of a write, after which there are no more.
    package private(set) var fault: StorageFault?
    /// Who moves the WAL beside the writer looks at it.
    let walLength = WALLength()
    private var isClosed = false

    /// Beyond this the WAL is moved into the database between two groups, although everybody waits for that: `WALMover`,
    /// which does it beside them, does not come to it.
    private static let walPageCountMax = (512 << 20) / 8192

    /// Opens the store in `directory`, which it keeps locked. With `create` the directory and the store are made if they
    /// are not there; a store that is there is opened as it is.
    package static func open(directory path: String, create: Bool) throws(StorageFault) -> JournalDatabase {
        let directory = try StoreDirectory(path: path, create: create)
        let newPath = directory.databasePath + ".new"
        // Left by a crash before the store was put in its place; nothing of it was ever used.
        StoreDirectory.removeDatabase(newPath)
        if create, !FileDescriptor.exists(directory.databasePath), !FileDescriptor.exists(directory.walPath) {
            try StoreSchema.make(at: newPath)
            try directory.adopt(newPath)
        }
        try directory.examine()
        let connection = try SQLiteConnection(path: directory.databasePath, mayCreate: false)
        try StoreSchema.configure(connection)
        try StoreSchema.check(connection)
        return try JournalDatabase(directory: directory, connection: connection)
    }

    private init(directory: consuming StoreDirectory, connection: SQLiteConnection) throws(StorageFault) {
        connection.countWAL(in: walLength)
        meta = try StoreMeta.load(from: connection)
        statements = try StoreStatements(connection)
        self.connection = connection
        self.directory = directory
    }

    /// Of the newest record; 0 if there never was one.
    package var lastSequence: UInt64 { meta.lastSequence }
    /// The state tables hold everything up to this one.
    package var checkpointSequence: UInt64 { meta.checkpointSequence }
    /// The journal holds everything after this one.
    package var journalStart: UInt64 { meta.journalStart }

    /// Appends a group; it is durable when this returns. Sequences continue where the last group ended.
    package func appendGroup(first: UInt64, last: UInt64, records: RawSpan) throws(StorageFault) {
        precondition(first == meta.lastSequence + 1 && last >= first && last <= UInt64(Int64.max))
        let (storedFirst, storedLast) = (Int64(first), Int64(last))
        var checksum = RowChecksum(storedFirst, storedLast)
        checksum.add(records)
        let insert = statements.insertGroup
        let value = checksum.value
        try write { () throws(StorageFault) in
            try insert.bind(storedLast, at: 1)
            try insert.bind(storedFirst, at: 2)
            try insert.bind(value, at: 4)
            try insert.run(bytes: records, at: 3)
            meta.lastSequence = last
            meta.groupCount &+= 1
        }
    }

    /// Keeps the WAL short. Apart from `appendGroup`, so that nobody waits for it.
    package func maintain() throws(StorageFault) {
        if walLength.unmovedPageCount > Self.walPageCountMax { try moveWAL() }
    }

    /// One transaction; `meta` is stored with it. Everything that changes the file comes through here or `moveWAL`.
    func write(_ body: () throws(StorageFault) -> Void) throws(StorageFault) {
        if let fault { throw fault }
        if isClosed { throw .stopped }
        let before = meta
        do {
            try statements.begin.run()
            try body()
            try meta.store(with: statements.replaceMeta)
            try statements.commit.run()
        } catch {
            meta = before
            connection.rollBack()
            throw latched(error)
        }
    }

    func moveWAL(isTruncating: Bool = false) throws(StorageFault) {
        if let fault { throw fault }
        do throws(StorageFault) {
            if isTruncating {
                // At the end, when nobody else writes or moves.
                _ = try connection.moveWAL(isTruncating: true)
            } else {
                _ = try walLength.move { () throws(StorageFault) in try connection.moveWAL() }
            }
        } catch {
            throw latched(error)
        }
    }

    /// Takes note of what happened to whoever moves the WAL on another connection, which concerns all that is stored.
    func note(_ fault: StorageFault) throws(StorageFault) { throw latched(fault) }

    private func latched(_ fault: StorageFault) -> StorageFault {
        if !fault.mayBeTriedAgain { self.fault = fault }
        return fault
    }

    /// Moves the WAL into the database, so that a copy of the one file is all of it. After a fault nothing is written
    /// any more. Nothing may be called after this, and another may open the directory.
    package func close() throws(StorageFault) {
        guard !isClosed else { return }
        isClosed = true
        defer { directory.unlock() }
        if fault == nil { try moveWAL(isTruncating: true) }
    }
}
