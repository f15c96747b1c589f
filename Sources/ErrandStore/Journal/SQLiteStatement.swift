internal import CSQLite

/// A prepared statement. Bytes are bound and read without a copy, for the time of one call only.
final class SQLiteStatement {
    private let connection: SQLiteConnection
    private let pointer: OpaquePointer
    private let name: String

    init(connection: SQLiteConnection, pointer: OpaquePointer, name: String) {
        self.connection = connection
        self.pointer = pointer
        self.name = name
    }

    // The connection outlives the statement, which holds it.
    deinit { sqlite3_finalize(pointer) }

    // MARK: Running

    func bind(_ value: Int64, at index: Int32) throws(StorageFault) {
        try check(sqlite3_bind_int64(pointer, index, value))
    }

    /// Binds by a copy: for short texts of statements that are stepped more than once.
    func bindCopy(of text: String, at index: Int32) throws(StorageFault) {
        // -1 as a destructor is SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        try check(sqlite3_bind_text(pointer, index, text, Int32(truncatingIfNeeded: text.utf8.count), transient))
    }

    /// Advances and returns whether there is a row.
    func step() throws(StorageFault) -> Bool {
        let code = sqlite3_step(pointer)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let fault = connection.fault(code, name)
            sqlite3_reset(pointer)
            throw fault
        }
    }

    /// Steps past the last row. A statement that answers and writes, as PRAGMA journal_mode does, commits only after its
    /// answer, and whoever stops at the answer never learns that the commit failed.
    func finish() throws(StorageFault) { while try step() {} }

    /// Ends the statement, so that it holds no lock and can be bound again.
    func reset() {
        // It repeats the error of the last step, which has been thrown already.
        sqlite3_reset(pointer)
    }

    /// Runs a statement without rows.
    func run() throws(StorageFault) {
        defer { reset() }
        _ = try step()
    }

    func run(bytes: RawSpan, at index: Int32) throws(StorageFault) {
        try withBound(bytes, isText: false, at: index) { () throws(StorageFault) in try run() }
    }

    func run(text: RawSpan, at textIndex: Int32, bytes: RawSpan, at index: Int32) throws(StorageFault) {
        try text.withUnsafeBytes { (text) throws(StorageFault) in
            // The span of a text lives through this closure, and the statement has let go of it when it ends.
            try withBound(text.bytes, isText: true, at: textIndex) { () throws(StorageFault) in
                try run(bytes: bytes, at: index)
            }
        }
    }

    private func withBound(
        _ bytes: RawSpan, isText: Bool, at index: Int32, _ body: () throws(StorageFault) -> Void
    ) throws(StorageFault) {
        try bytes.withUnsafeBytes { (buffer) throws(StorageFault) in
            // A nil destructor is SQLITE_STATIC: SQLite keeps the pointer. The bytes live until this closure ends, and
            // before that the binding is replaced.
            defer { sqlite3_bind_null(pointer, index) }
            let byteCount = UInt64(buffer.count)
            if let base = buffer.baseAddress, byteCount > 0 {
                let characters = base.assumingMemoryBound(to: CChar.self)
                try check(
                    isText
                        ? sqlite3_bind_text64(pointer, index, characters, byteCount, nil, UInt8(SQLITE_UTF8))
                        : sqlite3_bind_blob64(pointer, index, base, byteCount, nil))
            } else {
                // Without an address SQLite would bind NULL.
                try check(
                    isText ? sqlite3_bind_text(pointer, index, "", 0, nil) : sqlite3_bind_zeroblob(pointer, index, 0))
            }
            try body()
        }
    }

    // MARK: Reading the row

    func integer(_ column: Int32) throws(StorageFault) -> Int64 {
        guard sqlite3_column_type(pointer, column) == SQLITE_INTEGER else { throw wrongType(column) }
        return sqlite3_column_int64(pointer, column)
    }

    /// Nothing if it is NULL.
    func optionalInteger(_ column: Int32) throws(StorageFault) -> Int64? {
        sqlite3_column_type(pointer, column) == SQLITE_NULL ? nil : try integer(column)
    }

    func string(_ column: Int32) throws(StorageFault) -> String {
        try withBytes(column, isText: true) { (bytes) in
            bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Lends the bytes of a TEXT or BLOB column.
    func withBytes<Result>(
        _ column: Int32, isText: Bool = false, _ body: (RawSpan) throws(StorageFault) -> Result
    ) throws(StorageFault) -> Result {
        guard sqlite3_column_type(pointer, column) == (isText ? SQLITE_TEXT : SQLITE_BLOB) else {
            throw wrongType(column)
        }
        // blob before bytes, as SQLite's documentation asks; the pointer is good until the next step or reset, and
        // the span cannot leave `body`.
        let base = sqlite3_column_blob(pointer, column)
        let count = Int(sqlite3_column_bytes(pointer, column))
        guard base != nil || count == 0 else {
            throw .inputOutput(operation: name, code: SQLITE_NOMEM, text: "no memory")
        }
        return try body(UnsafeRawBufferPointer(start: base, count: count).bytes)
    }

    private func wrongType(_ column: Int32) -> StorageFault {
        .damaged("column \(column) has the wrong type", at: name)
    }

    private func check(_ code: Int32) throws(StorageFault) {
        guard code == SQLITE_OK else { throw connection.fault(code, name) }
    }
}
