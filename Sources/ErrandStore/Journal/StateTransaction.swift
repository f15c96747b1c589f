/// What a checkpoint may do to the state tables. Good inside the body of `checkpoint` only.
///
/// A row that is replaced or deleted is read first: its checksum leaves the table's sum, and damage is not written over.
package struct StateTransaction: ~Copyable {
    private let database: JournalDatabase

    init(_ database: JournalDatabase) { self.database = database }

    // MARK: Jobs

    package func putJob(_ job: Int64, body: RawSpan) throws(StorageFault) {
        try removeJobFromTally(job)
        var checksum = RowChecksum(job)
        checksum.add(body)
        let put = database.statements.jobs.put
        try put.bind(job, at: 1)
        try put.bind(checksum.value, at: 3)
        try put.run(bytes: body, at: 2)
        database.meta.jobs.add(checksum.value)
    }

    /// The job alone; its targets and executions are rows of their own.
    package func deleteJob(_ job: Int64) throws(StorageFault) {
        guard try removeJobFromTally(job) else { return }
        try database.statements.jobs.delete.bind(job, at: 1)
        try database.statements.jobs.delete.run()
    }

    @discardableResult
    private func removeJobFromTally(_ job: Int64) throws(StorageFault) -> Bool {
        let get = database.statements.jobs.get
        try get.bind(job, at: 1)
        guard let old = try get.ifRow({ () throws(StorageFault) in try get.readJob { _, _ in } }) else { return false }
        database.meta.jobs.remove(old)
        return true
    }

    // MARK: Targets

    package func putTargets(_ job: Int64, chunk: Int64, body: RawSpan) throws(StorageFault) {
        try removeTargetsFromTally(job, chunk)
        var checksum = RowChecksum(job, chunk)
        checksum.add(body)
        let put = database.statements.targets.put
        try put.bind(job, at: 1)
        try put.bind(chunk, at: 2)
        try put.bind(checksum.value, at: 4)
        try put.run(bytes: body, at: 3)
        database.meta.targets.add(checksum.value)
    }

    package func deleteTargets(_ job: Int64, chunk: Int64) throws(StorageFault) {
        guard try removeTargetsFromTally(job, chunk) else { return }
        let delete = database.statements.targets.delete
        try delete.bind(job, at: 1)
        try delete.bind(chunk, at: 2)
        try delete.run()
    }

    @discardableResult
    private func removeTargetsFromTally(_ job: Int64, _ chunk: Int64) throws(StorageFault) -> Bool {
        let get = database.statements.targets.get
        try get.bind(job, at: 1)
        try get.bind(chunk, at: 2)
        let old = try get.ifRow { () throws(StorageFault) in try get.readTargets { _, _, _ in } }
        guard let old else { return false }
        database.meta.targets.remove(old)
        return true
    }

    // MARK: Executions

    package func putExecution(_ row: ExecutionRow, body: RawSpan) throws(StorageFault) {
        let old = try removeExecutionFromTally(row.job, row.position)
        let checksum = row.checksum(body: body)
        if old == row {
            let replace = database.statements.replaceExecutionBody
            try replace.bind(row.job, at: 1)
            try replace.bind(row.position, at: 2)
            try replace.bind(checksum, at: 4)
            try replace.run(bytes: body, at: 3)
        } else {
            let put = database.statements.executions.put
            try put.bind(row.job, at: 1)
            try put.bind(row.position, at: 2)
            try put.bind(row.isFinished ? 1 : 0, at: 4)
            try put.bind(row.finishedAtMilliseconds, at: 5)
            try put.bind(checksum, at: 7)
            try put.run(text: row.thing.utf8Span.span.bytes, at: 3, bytes: body, at: 6)
        }
        if row.isFinished {
            database.meta.finishedExecutions.add(checksum)
        } else {
            database.meta.openExecutions.add(checksum)
        }
    }

    package func deleteExecution(_ job: Int64, position: Int64) throws(StorageFault) {
        guard try removeExecutionFromTally(job, position) != nil else { return }
        let delete = database.statements.executions.delete
        try delete.bind(job, at: 1)
        try delete.bind(position, at: 2)
        try delete.run()
    }

    /// Returns the row as it was.
    private func removeExecutionFromTally(_ job: Int64, _ position: Int64) throws(StorageFault) -> ExecutionRow? {
        let get = database.statements.executions.get
        try get.bind(job, at: 1)
        try get.bind(position, at: 2)
        var old: ExecutionRow?
        let found = try get.ifRow { () throws(StorageFault) in
            try get.readExecution { (row, _) throws(StorageFault) in old = row }
        }
        guard let found else { return nil }
        if found.isFinished {
            database.meta.finishedExecutions.remove(found.checksum)
        } else {
            database.meta.openExecutions.remove(found.checksum)
        }
        return old
    }

    // MARK: Facts

    package func putFact(_ name: String, body: RawSpan) throws(StorageFault) {
        try removeFactFromTally(name)
        let checksum = Self.checksum(ofFact: name, body)
        let put = database.statements.facts.put
        try put.bind(checksum, at: 3)
        try put.run(text: name.utf8Span.span.bytes, at: 1, bytes: body, at: 2)
        database.meta.facts.add(checksum)
    }

    package func deleteFact(_ name: String) throws(StorageFault) {
        guard try removeFactFromTally(name) else { return }
        try database.statements.facts.delete.bindCopy(of: name, at: 1)
        try database.statements.facts.delete.run()
    }

    @discardableResult
    private func removeFactFromTally(_ name: String) throws(StorageFault) -> Bool {
        let get = database.statements.facts.get
        try get.bindCopy(of: name, at: 1)
        guard let old = try get.ifRow({ () throws(StorageFault) in try get.readFact { _, _ in } }) else { return false }
        database.meta.facts.remove(old)
        return true
    }

    static func checksum(ofFact name: String, _ body: RawSpan) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(text: name.utf8Span.span.bytes)
        checksum.add(body)
        return checksum.value
    }
}

extension JournalDatabase {
    /// Writes rows that are newer than the last checkpoint, ahead of the next one: all that they show must be in the
    /// journal. One transaction.
    package func fold(_ body: (borrowing StateTransaction) throws(StorageFault) -> Void) throws(StorageFault) {
        try write { () throws(StorageFault) in try body(StateTransaction(self)) }
    }

    /// Folds the journal up to `sequence` into the tables: what `body` does and the new counts are one transaction, so that
    /// there are never two truths. If `body` throws, the old state stands. Not to be called from the body of a read.
    ///
    /// The groups after `journalStart` are still wanted, and one that reaches beyond `sequence` is too; the others are taken
    /// away with `trimJournal`.
    package func moveCheckpoint(
        through sequence: UInt64, journalStart: UInt64,
        _ body: (borrowing StateTransaction) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        precondition(sequence >= meta.checkpointSequence && sequence <= meta.lastSequence)
        let start = max(meta.journalStart, min(journalStart, sequence))
        try write { () throws(StorageFault) in
            try body(StateTransaction(self))
            meta.checkpointSequence = sequence
            meta.journalStart = start
        }
    }

    /// Takes some of the groups away that end before the journal begins, in one transaction: each of their pages has to be
    /// read for that, and nobody is to wait for all of them. Returns whether there are more.
    package func trimJournal(atMost groupCount: Int64 = 8) throws(StorageFault) -> Bool {
        let find = statements.endOfFirstGroups
        try find.bind(Int64(meta.journalStart), at: 1)
        try find.bind(groupCount, at: 2)
        let end = try find.ifRow { () throws(StorageFault) in try find.optionalInteger(0) } ?? nil
        guard let end else { return false }
        try write { () throws(StorageFault) in
            try statements.deleteGroups.bind(end, at: 1)
            try statements.deleteGroups.run()
            meta.groupCount &-= UInt64(clamping: connection.changeCount)
        }
        return true
    }
}
