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
            let (last, first) = (try statement.integer(0), try statement.integer(1))
            let stated = try statement.integer(3)
            try statement.withBytes(2) { (records) throws(StorageFault) in
                var checksum = RowChecksum(first, last)
                checksum.add(records)
                guard checksum.value == stated, let from = UInt64(exactly: first), let to = UInt64(exactly: last) else {
                    throw .damaged("the checksum is wrong", at: "journal, group ending at sequence \(last)")
                }
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

    /// The same with the whole group, copied once for all of its records.
    func forEachRecordRange(
        after sequence: UInt64,
        _ body: (_ sequence: UInt64, _ group: [UInt8], _ range: Range<Int>) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        try forEachGroup(after: sequence) { (first, last, records) throws(StorageFault) in
            // The array copies them during the call.
            let group = records.withUnsafeBytes { Array($0) }
            try JournalRecords.forEachRange(first: first, last: last, in: records) {
                (number, range) throws(StorageFault) in
                if number > sequence { try body(number, group, range) }
            }
        }
    }

    // MARK: Executions

    package enum ExecutionSelection: Sendable { case all, open, finished }

    /// All executions of the selection, by job and position.
    package func forEachExecution(
        _ selection: ExecutionSelection, _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        // The index finds a few among many; for more, one pass over the table is less work than so many searches.
        let isFew = meta.openExecutions.rowCount < meta.finishedExecutions.rowCount / 4
        let isIndexed = selection == .open && isFew
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions "
                + (isIndexed ? "INDEXED BY openExecutions WHERE isFinished = 0 " : "") + "ORDER BY job, position")
        var (open, finished) = (StoreMeta.Tally(), StoreMeta.Tally())
        while try statement.step() {
            let found = try statement.readExecution { (row, bytes) throws(StorageFault) in
                if selection == .all || row.isFinished == (selection == .finished) { try body(row, bytes) }
            }
            if found.isFinished { finished.add(found.checksum) } else { open.add(found.checksum) }
        }
        try compare(open, meta.openExecutions, "executions that are open")
        if !isIndexed { try compare(finished, meta.finishedExecutions, "executions that are finished") }
    }

    /// Those that are open, and those that finished at that time or later.
    package func forEachExecution(
        openOrFinishedSince time: Int64, _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        // With nothing left out, every row is counted and summed up.
        if time == .min { return try forEachExecution(.all, body) }
        try forEachExecution(.open, body)
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
        while try statement.step() { try statement.readExecution(body) }
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
    package func forEachExecution(
        ofThing thing: String, _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions INDEXED BY executionsByThing"
                + " WHERE thing = ?1 ORDER BY job, position")
        try statement.bindCopy(of: thing, at: 1)
        while try statement.step() {
            try statement.readExecution { (row, bytes) throws(StorageFault) in
                guard row.thing == thing else {
                    throw .damaged(
                        "the index names another thing", at: "executions, row \(row.job), \(row.position)")
                }
                try body(row, bytes)
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
