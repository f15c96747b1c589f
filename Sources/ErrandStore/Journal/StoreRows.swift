/// An execution's row without its body.
package struct ExecutionRow: Sendable, Equatable {
    package var job: Int64
    package var position: Int64
    package var thing: String
    package var isFinished: Bool
    /// 0 while it is not finished.
    package var finishedAtMilliseconds: Int64

    package init(
        job: Int64, position: Int64, thing: String, isFinished: Bool = false, finishedAtMilliseconds: Int64 = 0
    ) {
        self.job = job
        self.position = position
        self.thing = thing
        self.isFinished = isFinished
        self.finishedAtMilliseconds = finishedAtMilliseconds
    }

    func checksum(body: RawSpan) -> Int64 {
        ExecutionRowSpan(
            job: job, position: position, isFinished: isFinished, finishedAtMilliseconds: finishedAtMilliseconds,
            thing: thing.utf8Span.span.bytes, body: body
        ).checksum
    }
}

/// The rows that statements with the columns of `StoreStatements` stand on. Every read verifies the checksum over key
/// and body, and returns it.
extension SQLiteStatement {
    /// What a row said and where it is, for a fault.
    private func verify(_ value: Int64, column: Int32, _ place: @autoclosure () -> String) throws(StorageFault) {
        guard try integer(column) == value else { throw .damaged("the checksum is wrong", at: place()) }
    }

    func readGroup(
        _ body: (_ first: UInt64, _ last: UInt64, _ records: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let (last, first) = (try integer(0), try integer(1))
        try withBytes(2) { (records) throws(StorageFault) in
            var checksum = RowChecksum(first, last)
            checksum.add(records)
            guard checksum.value == (try integer(3)), let from = UInt64(exactly: first), let to = UInt64(exactly: last)
            else { throw .damaged("the checksum is wrong", at: "journal, group ending at sequence \(last)") }
            try body(from, to, records)
        }
    }

    @discardableResult
    func readJob(_ body: (_ job: Int64, _ body: RawSpan) throws(StorageFault) -> Void) throws(StorageFault) -> Int64 {
        let job = try integer(0)
        return try withBytes(1) { (bytes) throws(StorageFault) in
            var checksum = RowChecksum(job)
            checksum.add(bytes)
            try verify(checksum.value, column: 2, "jobs, row \(job)")
            try body(job, bytes)
            return checksum.value
        }
    }

    @discardableResult
    func readTargets(
        _ body: (_ job: Int64, _ chunk: Int64, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Int64 {
        let (job, chunk) = (try integer(0), try integer(1))
        return try withBytes(2) { (bytes) throws(StorageFault) in
            var checksum = RowChecksum(job, chunk)
            checksum.add(bytes)
            try verify(checksum.value, column: 3, "targets, row \(job), \(chunk)")
            try body(job, chunk, bytes)
            return checksum.value
        }
    }

    @discardableResult
    func readExecution(
        _ body: (ExecutionRow, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> (checksum: Int64, isFinished: Bool) {
        var found: (checksum: Int64, isFinished: Bool) = (0, false)
        try readExecutionSpan { (row, checksum) throws(StorageFault) in
            try body(row.row, row.body)
            found = (checksum, row.isFinished)
        }
        return found
    }

    func readExecutionSpan(
        _ body: (ExecutionRowSpan, _ checksum: Int64) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        let (job, position) = (try integer(0), try integer(1))
        let (isFinished, finishedAt) = (try integer(3) != 0, try integer(4))
        try withBytes(2, isText: true) { (thing) throws(StorageFault) in
            try withBytes(5) { (bytes) throws(StorageFault) in
                let row = ExecutionRowSpan(
                    job: job, position: position, isFinished: isFinished, finishedAtMilliseconds: finishedAt,
                    thing: thing, body: bytes)
                let checksum = row.checksum
                try verify(checksum, column: 6, "executions, row \(job), \(position)")
                try body(row, checksum)
            }
        }
    }

    @discardableResult
    func readFact(
        _ body: (_ name: String, _ body: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Int64 {
        let name = try string(0)
        return try withBytes(1) { (bytes) throws(StorageFault) in
            let checksum = StateTransaction.checksum(ofFact: name, bytes)
            try verify(checksum, column: 2, "facts, row \(name)")
            try body(name, bytes)
            return checksum
        }
    }

    /// Calls `body` for the row that the bound key names; returns nothing if there is none.
    func ifRow<Result>(_ body: () throws(StorageFault) -> Result) throws(StorageFault) -> Result? {
        defer { reset() }
        guard try step() else { return nil }
        return try body()
    }
}
