/// The tables of a store and the settings of a connection to it.
enum StoreSchema {
    /// "Errd". It stands in the file's header, so that a file that is not ours is recognized before it is opened.
    static let applicationId: Int64 = 0x4572_7264
    static let formatVersion: Int64 = 2

    /// Executions are looked up by their key only and are small, so that the row lies in the key's tree. The others
    /// have integer keys or long bodies, for which SQLite recommends a rowid.
    static let tables: [(name: String, text: String)] = [
        (
            "journal",
            "CREATE TABLE journal(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, records BLOB NOT NULL,"
                + " checksum INTEGER NOT NULL)"
        ),
        ("meta", "CREATE TABLE meta(id INTEGER PRIMARY KEY, body BLOB NOT NULL, checksum INTEGER NOT NULL)"),
        ("jobs", "CREATE TABLE jobs(job INTEGER PRIMARY KEY, body BLOB NOT NULL, checksum INTEGER NOT NULL)"),
        (
            "targets",
            "CREATE TABLE targets(job INTEGER NOT NULL, chunk INTEGER NOT NULL, body BLOB NOT NULL,"
                + " checksum INTEGER NOT NULL, PRIMARY KEY(job, chunk))"
        ),
        (
            "executions",
            "CREATE TABLE executions(job INTEGER NOT NULL, position INTEGER NOT NULL, thing TEXT NOT NULL,"
                + " isFinished INTEGER NOT NULL, finishedAt INTEGER NOT NULL, body BLOB NOT NULL,"
                + " checksum INTEGER NOT NULL, PRIMARY KEY(job, position)) WITHOUT ROWID"
        ),
        ("executionsByThing", "CREATE INDEX executionsByThing ON executions(thing)"),
        (
            "openExecutions",
            "CREATE INDEX openExecutions ON executions(job, position) WHERE isFinished = 0"
        ),
        (
            "finishedExecutions",
            "CREATE INDEX finishedExecutions ON executions(finishedAt) WHERE isFinished = 1"
        ),
        ("facts", "CREATE TABLE facts(name TEXT PRIMARY KEY, body BLOB NOT NULL, checksum INTEGER NOT NULL)"),
    ]

    /// Makes a complete store in a new file, with a rollback journal, in one transaction.
    static func make(at path: String) throws(StorageFault) {
        let connection = try SQLiteConnection(path: path, mayCreate: true)
        // 8 KiB: half the frames, and so writes, of a large group compared with 4 KiB, while a group of one record,
        // which touches two or three pages, stays near the price of a bare append.
        try connection.execute("PRAGMA page_size = 8192")
        // Free pages are used again for the next groups; moving them to the end of the file would only cost.
        try connection.execute("PRAGMA auto_vacuum = NONE")
        try connection.execute("PRAGMA synchronous = FULL")
        try connection.execute("BEGIN IMMEDIATE")
        try connection.execute("PRAGMA application_id = \(applicationId)")
        try connection.execute("PRAGMA user_version = \(formatVersion)")
        for table in tables { try connection.execute(table.text) }
        let statement = try connection.prepare(StoreMeta.replaceStatement)
        try StoreMeta().store(with: statement)
        try connection.execute("COMMIT")
    }

    static func configure(_ connection: SQLiteConnection) throws(StorageFault) {
        // A damaged page is refused when it is read rather than when a cell of it is used.
        try connection.execute("PRAGMA cell_size_check = ON")
        try connection.execute("PRAGMA trusted_schema = OFF")
        // An error under a mapped page would be a signal that ends the process.
        try connection.execute("PRAGMA mmap_size = 0")
        // Room for the upper pages of the trees and for a checkpoint's dirty pages, in KiB.
        try connection.execute("PRAGMA cache_size = -32768")
        guard try connection.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw .inputOutput(operation: "turn on the WAL", code: 0, text: "the file system has no shared memory")
        }
        // Each commit syncs the WAL before it returns.
        try connection.execute("PRAGMA synchronous = FULL")
        // SQLite ignores the errors of its own checkpoints, and runs them inside a commit that somebody waits for.
        try connection.execute("PRAGMA wal_autocheckpoint = 0")
        // The WAL's file is used again without truncation, because a sync is cheaper when the size does not change;
        // only what a very large checkpoint left is given back.
        _ = try connection.integer("PRAGMA journal_size_limit = \(256 << 20)")
        // Debian's SQLite overwrites deleted rows with zeros, which would write every group once more.
        _ = try connection.integer("PRAGMA secure_delete = OFF")
    }

    /// For a connection that moves the WAL, beside the one that writes.
    static func configureMover(_ connection: SQLiteConnection) throws(StorageFault) {
        try connection.execute("PRAGMA mmap_size = 0")
        // Both files are synced: the WAL before its pages are copied, the database after that.
        try connection.execute("PRAGMA synchronous = FULL")
        try connection.execute("PRAGMA wal_autocheckpoint = 0")
        // A connection that has read nothing yet does not know that there is a WAL, and would have nothing to move.
        try check(connection)
    }

    /// For a connection that only reads, beside the one that writes.
    static func configureReader(_ connection: SQLiteConnection) throws(StorageFault) {
        try connection.execute("PRAGMA cell_size_check = ON")
        try connection.execute("PRAGMA trusted_schema = OFF")
        try connection.execute("PRAGMA mmap_size = 0")
        try connection.execute("PRAGMA query_only = ON")
    }

    /// The header may be newer in the WAL than in the file; and a damaged schema must not decide what is read.
    static func check(_ connection: SQLiteConnection) throws(StorageFault) {
        guard try connection.integer("PRAGMA application_id") == applicationId else {
            throw .unknownFormat(path: connection.path, found: "not a store of Errand")
        }
        let version = try connection.integer("PRAGMA user_version")
        guard version == formatVersion else {
            throw .unknownFormat(path: connection.path, found: "a store of version \(version)")
        }
        let statement = try connection.prepare(
            "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")
        var found: [String: String] = [:]
        while try statement.step() { found[try statement.string(0)] = try statement.string(1) }
        for table in tables where found[table.name] != table.text {
            throw .damaged("the schema of \(table.name) is not what was written", at: connection.path)
        }
        guard found.count == tables.count else {
            throw .damaged("the schema has tables that nobody wrote", at: connection.path)
        }
    }
}
