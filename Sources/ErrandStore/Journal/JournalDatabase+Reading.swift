internal import ErrandCore

/// Reading. A scan of a whole table ends with a comparison of its count and sum of checksums with the meta row.
extension JournalDatabase {
    // MARK: The journal

    /// Calls `body` for each group that holds records after `sequence`, in order. The first one may begin before that.
    /// Groups follow each other without a gap up to `lastSequence`, or there is a fault.
    package func forEachGroup(
        after sequence: UInt64,
        _ body: (_ first: UInt64, _ last: UInt64, _ records: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        precondition(sequence >= meta.journalStart)
        guard sequence < meta.lastSequence else { return }
        let statement = try connection.prepare(
            "SELECT last, first, records, checksum FROM journal WHERE last > ?1 ORDER BY last")
        try statement.bind(Int64(clamping: sequence), at: 1)
        var reached = sequence
        while try statement.step() {
            try statement.readGroup { (from, to, records) throws(StorageFault) in
                let isNext = from == reached + 1 || (reached == sequence && from <= reached)
                guard isNext, to > reached, to >= from, to <= meta.lastSequence else {
                    throw .damaged(
                        "a group is missing: \(from) to \(to) follows \(reached)",
                        at: "journal, sequence \(reached + 1)")
                }
                try body(from, to, records)
                reached = to
            }
        }
        guard reached == meta.lastSequence else {
            throw .damaged("the groups up to \(meta.lastSequence) are missing", at: "journal, sequence \(reached + 1)")
        }
    }

    /// Calls `body` for each record after `sequence`, in order.
    package func forEachRecord(
        after sequence: UInt64, _ body: (_ sequence: UInt64, _ record: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        try forEachGroup(after: sequence) { (first, last, records) throws(StorageFault) in
            try JournalRecords.forEach(first: first, last: last, in: records) { (number, record) throws(StorageFault) in
                if number > sequence { try body(number, record) }
            }
        }
    }

    /// Calls `body` for the group that holds the record with that sequence, or if there is none for the next one.
    func group(
        of sequence: UInt64,
        _ body: (_ first: UInt64, _ last: UInt64, _ records: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let statement = try connection.prepare(
            "SELECT last, first, records, checksum FROM journal WHERE last >= ?1 ORDER BY last LIMIT 1")
        try statement.bind(Int64(clamping: sequence), at: 1)
        _ = try statement.ifRow { () throws(StorageFault) in try statement.readGroup(body) }
    }

    // MARK: Executions

    package enum ExecutionSelection: Sendable { case all, open, finished }

    /// All executions of the selection, by job and position.
    package func forEachExecution(
        _ selection: ExecutionSelection, _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        try scan(selection) { (row) throws(StorageFault) in try body(row.row, row.body) }
    }

    private func scan(
        _ selection: ExecutionSelection, _ body: (ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let isIndexed = selection == .open && isOpenFew
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions "
                + (isIndexed ? "INDEXED BY openExecutions WHERE isFinished = 0 " : "") + "ORDER BY job, position")
        let found = try ExecutionScan.tally(statement) { (row) throws(StorageFault) in
            if selection == .all || row.isFinished == (selection == .finished) { try body(row) }
        }
        try compare(found.open, meta.openExecutions, "executions that are open")
        if !isIndexed { try compare(found.finished, meta.finishedExecutions, "executions that are finished") }
    }

    /// The index finds a few among many; for more, one pass over the table is less work than so many searches.
    private var isOpenFew: Bool { meta.openExecutions.rowCount < meta.finishedExecutions.rowCount / 4 }

    /// Those that are open, and those that finished at that time or later. One pass over the table is made in the parts
    /// that begin at `splits`, several at the same time; what needs no such pass is all of part 0.
    func forEachExecution(
        openOrFinishedSince time: Int64, splits: [ExecutionScan.Key],
        _ body: @Sendable (_ part: Int, ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        // With nothing left out, every row is counted and summed up.
        let selection = time == .min ? ExecutionSelection.all : .open
        if splits.isEmpty || (selection == .open && isOpenFew) {
            try scan(selection) { (row) throws(StorageFault) in try body(0, row) }
        } else {
            let scan = ExecutionScan(path: directory.databasePath, splits: splits)
            let found = try scan.run { (part, row) throws(StorageFault) in
                if selection == .all || !row.isFinished { try body(part, row) }
            }
            try compare(found.open, meta.openExecutions, "executions that are open")
            try compare(found.finished, meta.finishedExecutions, "executions that are finished")
        }
        if selection == .open {
            try forEachFinishedExecution(since: time) { (row) throws(StorageFault) in try body(0, row) }
        }
    }

    private func forEachFinishedExecution(
        since time: Int64, _ body: (ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let indexed = try connection.integer(
            "SELECT count(*) FROM executions INDEXED BY finishedExecutions WHERE isFinished = 1")
        guard UInt64(exactly: indexed) == meta.finishedExecutions.rowCount else {
            throw .damaged(
                "\(indexed) rows where there were \(meta.finishedExecutions.rowCount)",
                at: "executions that are finished")
        }
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions INDEXED BY finishedExecutions"
                + " WHERE isFinished = 1 AND finishedAt >= ?1")
        try statement.bind(time, at: 1)
        while try statement.step() {
            try statement.readExecutionSpan { (row, _) throws(StorageFault) in try body(row) }
        }
    }

    /// The executions of these jobs, by job and position. Only `forEachExecution` and `verify` notice missing rows.
    package func forEachExecution(
        ofJobs jobs: ClosedRange<Int64>, _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions WHERE job BETWEEN ?1 AND ?2"
                + " ORDER BY job, position")
        try statement.bind(jobs.lowerBound, at: 1)
        try statement.bind(jobs.upperBound, at: 2)
        while try statement.step() { try statement.readExecution(body) }
    }

    /// The executions of a thing, by job and position.
    func forEachExecution(
        ofThing thing: String, _ body: (ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        var thing = thing
        thing.makeContiguousUTF8()
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions INDEXED BY executionsByThing"
                + " WHERE thing = ?1 ORDER BY job, position")
        try statement.bindCopy(of: thing, at: 1)
        while try statement.step() {
            try statement.readExecutionSpan { (row, _) throws(StorageFault) in
                guard row.thing.hasSameBytes(as: thing.utf8Span.span.bytes) else {
                    throw .damaged(
                        "the index names another thing", at: "executions, row \(row.job), \(row.position)")
                }
                try body(row)
            }
        }
    }

    /// Calls `body` if there is such an execution, and returns whether there is.
    package func execution(
        _ job: Int64, position: Int64, _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Bool {
        let get = statements.executions.get
        try get.bind(job, at: 1)
        try get.bind(position, at: 2)
        return try get.ifRow { () throws(StorageFault) in try get.readExecution(body) } != nil
    }

    // MARK: The other tables

    package func forEachJob(
        _ body: (_ job: Int64, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let statement = try connection.prepare("SELECT job, body, checksum FROM jobs ORDER BY job")
        var tally = StoreMeta.Tally()
        while try statement.step() { tally.add(try statement.readJob(body)) }
        try compare(tally, meta.jobs, "jobs")
    }

    package func forEachTargets(
        _ body: (_ job: Int64, _ chunk: Int64, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let statement = try connection.prepare("SELECT job, chunk, body, checksum FROM targets ORDER BY job, chunk")
        var tally = StoreMeta.Tally()
        while try statement.step() { tally.add(try statement.readTargets(body)) }
        try compare(tally, meta.targets, "targets")
    }

    package func forEachFact(
        _ body: (_ name: String, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let statement = try connection.prepare("SELECT name, body, checksum FROM facts ORDER BY name")
        var tally = StoreMeta.Tally()
        while try statement.step() { tally.add(try statement.readFact(body)) }
        try compare(tally, meta.facts, "facts")
    }

    /// Calls `body` if there is such a fact, and returns whether there is.
    package func fact(
        _ name: String, _ body: (_ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Bool {
        let get = statements.facts.get
        try get.bindCopy(of: name, at: 1)
        return try get.ifRow { () throws(StorageFault) in
            try get.readFact { (_, bytes) throws(StorageFault) in try body(bytes) }
        } != nil
    }

    private func compare(
        _ found: StoreMeta.Tally, _ stated: StoreMeta.Tally, _ place: String
    ) throws(StorageFault) {
        guard found == stated else {
            throw .damaged(
                found.rowCount == stated.rowCount
                    ? "rows are not those that were written"
                    : "\(found.rowCount) rows where there were \(stated.rowCount)", at: place)
        }
    }
}
