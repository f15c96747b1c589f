internal import CSQLite
internal import Glibc

/// One connection, used by one thread at a time. With `SQLiteStatement` the only place that holds SQLite's pointers.
final class SQLiteConnection {
    fileprivate let handle: OpaquePointer
    let path: String
    /// Told of the WAL's length, if anybody wants to know.
    private var walLength: WALLength?

    init(path: String, mayCreate: Bool) throws(StorageFault) {
        var handle: OpaquePointer?
        // NOMUTEX: callers keep to one thread at a time, so that SQLite's own lock would only cost.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mayCreate ? SQLITE_OPEN_CREATE : 0)
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        // SQLite leaves the pointer nil only when there is no memory for a connection.
        guard let handle else {
            throw .inputOutput(operation: "open \(path)", code: code, text: "no memory")
        }
        self.handle = handle
        self.path = path
        guard code == SQLITE_OK else { throw fault(code, "open \(path)") }
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5000)
        // Without this, closing would move the WAL into the database and sync, after a failed sync too.
        errand_sqlite3_keep_wal_on_close(handle)
    }

    deinit {
        // v2 waits for statements that are still alive, which keep this object anyway.
        sqlite3_close_v2(handle)
    }

    func prepare(_ text: String) throws(StorageFault) -> SQLiteStatement {
        var pointer: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil)
        // SQLite has set the pointer whenever it says OK and the text is not empty.
        guard code == SQLITE_OK, let pointer else { throw fault(code, text) }
        return SQLiteStatement(connection: self, pointer: pointer, name: text)
    }

    func execute(_ text: String) throws(StorageFault) {
        let code = sqlite3_exec(handle, text, nil, nil, nil)
        guard code == SQLITE_OK else { throw fault(code, text) }
    }

    func integer(_ text: String) throws(StorageFault) -> Int64 {
        let statement = try prepare(text)
        guard try statement.step() else { throw .damaged("no answer to \(text)", at: path) }
        let value = try statement.integer(0)
        try statement.finish()
        return value
    }

    func text(_ text: String) throws(StorageFault) -> String {
        let statement = try prepare(text)
        guard try statement.step() else { throw .damaged("no answer to \(text)", at: path) }
        let value = try statement.string(0)
        try statement.finish()
        return value
    }

    /// How many rows the last statement changed.
    var changeCount: Int { Int(sqlite3_changes(handle)) }

    /// After an error SQLite may have rolled back already; then there is nothing to do.
    func rollBack() {
        if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    /// Moves what it can of the WAL into the database and syncs that, without waiting for readers or a writer. Returns how
    /// many of its pages are in the database now; nothing if another is moving it.
    ///
    /// Where there is more than one connection it is called through `WALLength.move` only, which says why.
    func moveWAL(isTruncating: Bool = false) throws(StorageFault) -> Int? {
        let mode = isTruncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        var moved: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, &moved)
        // A reader in the way, such as a backup, only means that the rest is moved another time.
        guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else { throw fault(code, "move the WAL") }
        return moved < 0 || (code & 0xFF == SQLITE_BUSY && moved == 0) ? nil : Int(moved)
    }

    /// Counts the pages of the WAL in `length` from here on.
    func countWAL(in length: WALLength) {
        walLength = length
        // The counter lives as long as this connection, which is what calls it.
        let context = Unmanaged.passUnretained(length).toOpaque()
        sqlite3_wal_hook(
            handle,
            { context, _, _, pageCount in
                guard let context else { return SQLITE_OK }
                Unmanaged<WALLength>.fromOpaque(context).takeUnretainedValue().committed(pageCount: Int(pageCount))
                return SQLITE_OK
            }, context)
    }

    func fault(_ code: Int32, _ operation: String) -> StorageFault {
        // The system's error of a write that was refused is still that of this call; a failed sync is never "full". SQLite
        // does not keep it when it is COMMIT that fails, and knows ENOSPC itself, but no quota and no limit of a file's size.
        let hasNoRoom = [errno, sqlite3_system_errno(handle)].contains { [ENOSPC, EDQUOT, EFBIG].contains($0) }
        if code & 0xFF == SQLITE_FULL { return .diskFull(operation: operation) }
        // Extended codes are macros that Swift cannot import: IOERR | 3 << 8 is WRITE, 19 SHMSIZE.
        let isWrite = code == SQLITE_IOERR | 3 << 8 || code == SQLITE_IOERR | 19 << 8
        if isWrite, hasNoRoom { return .diskFull(operation: operation) }
        // SQLite owns the text until the next call; String copies it.
        let text = String(cString: sqlite3_errmsg(handle))
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged("\(text) (code \(code))", at: "\(path), \(operation)")
        case SQLITE_BUSY, SQLITE_LOCKED: return .locked(path: path, processId: nil)
        // The database has the schema it was made with, so a statement that does not fit means a damaged one.
        case SQLITE_ERROR: return .damaged("\(text) (code \(code))", at: "\(path), \(operation)")
        default: return .inputOutput(operation: operation, code: code, text: text)
        }
    }
}
