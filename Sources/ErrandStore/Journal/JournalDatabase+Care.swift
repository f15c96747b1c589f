internal import CMalloc
internal import Glibc

extension JournalDatabase {
    // MARK: Verification

    /// Looks at everything: SQLite's own check of pages and indexes, every checksum, every count, the journal's order.
    /// Returns what is wrong, at most one finding of a table; nothing if all is well.
    package func verify() -> [StorageFault] {
        var findings: [StorageFault] = []
        func look(_ check: () throws(StorageFault) -> Void) {
            do throws(StorageFault) { try check() } catch { findings.append(error) }
        }
        look(checkPages)
        look { () throws(StorageFault) in
            try forEachRecord(after: meta.journalStart) { _, _ in }
            let rowCount = try connection.integer("SELECT count(*) FROM journal")
            guard UInt64(exactly: rowCount) == meta.groupCount else {
                throw .damaged("\(rowCount) groups where there were \(meta.groupCount)", at: "journal")
            }
        }
        look { () throws(StorageFault) in try forEachJob { _, _ in } }
        look { () throws(StorageFault) in try forEachTargets { _, _, _ in } }
        look { () throws(StorageFault) in try forEachExecution(.all) { _, _ in } }
        look { () throws(StorageFault) in try forEachFact { _, _ in } }
        return findings
    }

    private func checkPages() throws(StorageFault) {
        // Not quick_check, which does not compare indexes with their tables.
        let statement = try connection.prepare("PRAGMA integrity_check(1)")
        guard try statement.step() else { throw .damaged("the check has no answer", at: connection.path) }
        let answer = try statement.string(0)
        if answer != "ok" { throw .damaged(answer, at: connection.path) }
    }

    /// After a start: pages that were read will hardly be read again, and of what reading took the allocator keeps what
    /// it is not told to give back.
    package func giveBackMemory() throws(StorageFault) {
        try connection.execute("PRAGMA shrink_memory")
        _ = malloc_trim(0)
    }

    // MARK: Backup

    /// Writes the store in `directory` as it is at this moment into the new directory `target`, where it can be opened.
    /// Beside a running server, on any thread and from another process too: readers of a WAL do not stop its writer.
    package static func backUp(directory: String, to target: String) throws(StorageFault) {
        let path = StoreDirectory.databasePath(in: directory)
        guard FileDescriptor.exists(path) else { throw .damaged("the database is missing", at: path) }
        let place = try StoreDirectory(path: target, create: true)
        guard !FileDescriptor.exists(place.databasePath) else {
            throw .directoryUnusable(path: target, operation: "back up", errorNumber: EEXIST)
        }
        let newPath = place.databasePath + ".new"
        StoreDirectory.removeDatabase(newPath)
        do {
            let connection = try SQLiteConnection(path: path, mayCreate: false)
            try StoreSchema.check(connection)
            let statement = try connection.prepare("VACUUM INTO ?1")
            try statement.bindCopy(of: newPath, at: 1)
            try statement.run()
        } catch {
            StoreDirectory.removeDatabase(newPath)
            throw error
        }
        try place.adopt(newPath)
    }

    /// The same into one new file.
    package static func backUp(directory: String, toFile file: String) throws(StorageFault) {
        let path = StoreDirectory.databasePath(in: directory)
        guard FileDescriptor.exists(path) else {
            throw .directoryUnusable(
                path: directory, operation: "open \(StoreDirectory.databaseName)", errorNumber: ENOENT)
        }
        guard !FileDescriptor.exists(file) else {
            throw .directoryUnusable(path: file, operation: "back up", errorNumber: EEXIST)
        }
        let newFile = file + ".new"
        StoreDirectory.removeDatabase(newFile)
        do {
            let connection = try SQLiteConnection(path: path, mayCreate: false)
            try StoreSchema.check(connection)
            let statement = try connection.prepare("VACUUM INTO ?1")
            try statement.bindCopy(of: newFile, at: 1)
            try statement.run()
            try StoreDirectory.adopt(newFile, asFile: file)
        } catch {
            StoreDirectory.removeDatabase(newFile)
            throw error
        }
    }

    package func backUp(to target: String) throws(StorageFault) {
        try Self.backUp(directory: directory.path, to: target)
    }

    // MARK: Statistics

    package struct Statistics: Sendable, Equatable {
        package var databaseByteCount: Int64
        /// The file; it keeps its size when its content has been moved.
        package var walByteCount: Int64
        package var groupCount: UInt64
        package var jobCount: UInt64
        package var targetChunkCount: UInt64
        package var openExecutionCount: UInt64
        package var finishedExecutionCount: UInt64
        package var factCount: UInt64
        /// The journal holds what is after this one.
        package var checkpointSequence: UInt64
        package var lastSequence: UInt64
    }

    package func statistics() -> Statistics { Self.statistics(meta, directory.path) }

    /// By the last commit, beside a running server too.
    package static func statistics(directory: String) throws(StorageFault) -> Statistics {
        let path = StoreDirectory.databasePath(in: directory)
        guard FileDescriptor.exists(path) else {
            throw .directoryUnusable(
                path: directory, operation: "open \(StoreDirectory.databaseName)", errorNumber: ENOENT)
        }
        let connection = try SQLiteConnection(path: path, mayCreate: false)
        try StoreSchema.configureReader(connection)
        try StoreSchema.check(connection)
        return statistics(try StoreMeta.load(from: connection), directory)
    }

    private static func statistics(_ meta: StoreMeta, _ directory: String) -> Statistics {
        let path = StoreDirectory.databasePath(in: directory)
        return Statistics(
            databaseByteCount: FileDescriptor.byteCount(of: path),
            walByteCount: FileDescriptor.byteCount(of: path + "-wal"), groupCount: meta.groupCount,
            jobCount: meta.jobs.rowCount, targetChunkCount: meta.targets.rowCount,
            openExecutionCount: meta.openExecutions.rowCount,
            finishedExecutionCount: meta.finishedExecutions.rowCount, factCount: meta.facts.rowCount,
            checkpointSequence: meta.checkpointSequence, lastSequence: meta.lastSequence)
    }
}
