/// The statements of a store, prepared once.
final class StoreStatements {
    let begin: SQLiteStatement
    let commit: SQLiteStatement
    let insertGroup: SQLiteStatement
    let deleteGroups: SQLiteStatement
    let endOfFirstGroups: SQLiteStatement
    let replaceMeta: SQLiteStatement
    let jobs: Row
    let targets: Row
    let executions: Row
    let replaceExecutionBody: SQLiteStatement
    let facts: Row

    /// Reads, writes and deletes one row by its key.
    struct Row {
        let get: SQLiteStatement
        let put: SQLiteStatement
        let delete: SQLiteStatement
    }

    init(_ connection: SQLiteConnection) throws(StorageFault) {
        func row(_ table: String, _ columns: String, key: String, _ values: String) throws(StorageFault) -> Row {
            Row(
                get: try connection.prepare("SELECT \(columns) FROM \(table) WHERE \(key)"),
                put: try connection.prepare("REPLACE INTO \(table)(\(columns)) VALUES(\(values))"),
                delete: try connection.prepare("DELETE FROM \(table) WHERE \(key)"))
        }
        // IMMEDIATE: the lock for writing is taken here, where waiting for it is harmless.
        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        insertGroup = try connection.prepare(
            "INSERT INTO journal(last, first, records, checksum) VALUES(?1, ?2, ?3, ?4)")
        deleteGroups = try connection.prepare("DELETE FROM journal WHERE last <= ?1")
        endOfFirstGroups = try connection.prepare(
            "SELECT max(last) FROM (SELECT last FROM journal WHERE last <= ?1 ORDER BY last LIMIT ?2)")
        replaceMeta = try connection.prepare(StoreMeta.replaceStatement)
        jobs = try row("jobs", "job, body, checksum", key: "job = ?1", "?1, ?2, ?3")
        targets = try row(
            "targets", "job, chunk, body, checksum", key: "job = ?1 AND chunk = ?2", "?1, ?2, ?3, ?4")
        executions = try row(
            "executions", Self.executionColumns, key: "job = ?1 AND position = ?2", "?1, ?2, ?3, ?4, ?5, ?6, ?7")
        // Names no column of an index, so that SQLite leaves the indexes alone.
        replaceExecutionBody = try connection.prepare(
            "UPDATE executions SET body = ?3, checksum = ?4 WHERE job = ?1 AND position = ?2")
        facts = try row("facts", "name, body, checksum", key: "name = ?1", "?1, ?2, ?3")
    }

    static let executionColumns = "job, position, thing, isFinished, finishedAt, body, checksum"
}
