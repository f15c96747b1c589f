internal import Dispatch
internal import Synchronization

/// One pass over the table of executions, in parts that are read at the same time: each on a connection of its own.
///
/// While nobody writes, they all see the same state.
struct ExecutionScan: Sendable {
    struct Key: Sendable, Equatable {
        var job: Int64
        var position: Int64

        static let first = Key(job: .min, position: .min)
        /// No job has that number.
        static let end = Key(job: .max, position: .max)
    }

    struct Tallies: Equatable {
        var open = StoreMeta.Tally()
        var finished = StoreMeta.Tally()
    }

    let path: String
    /// Where all parts but the first begin, in order.
    let splits: [Key]

    var partCount: Int { splits.count + 1 }

    /// Calls `body` with every row of a part in order; different parts at the same time.
    func run(
        _ body: @Sendable (_ part: Int, ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Tallies {
        let sum = Mutex(Tallies())
        let faults = Mutex<[Int: StorageFault]>([:])
        DispatchQueue.concurrentPerform(iterations: partCount) { part in
            do throws(StorageFault) {
                let tallies = try read(part, body)
                sum.withLock {
                    $0.open.add(tallies.open)
                    $0.finished.add(tallies.finished)
                }
            } catch {
                faults.withLock { $0[part] = error }
            }
        }
        // As one pass would have found them.
        if let fault = faults.withLock({ faults in faults.keys.min().flatMap { faults[$0] } }) { throw fault }
        return sum.withLock { $0 }
    }

    private func read(
        _ part: Int, _ body: (_ part: Int, ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Tallies {
        let connection = try SQLiteConnection(path: path, mayCreate: false)
        try StoreSchema.configureReader(connection)
        let statement = try connection.prepare(
            "SELECT \(StoreStatements.executionColumns) FROM executions"
                + " WHERE (job, position) >= (?1, ?2) AND (job, position) < (?3, ?4) ORDER BY job, position")
        let (first, end) = (part == 0 ? .first : splits[part - 1], part < splits.count ? splits[part] : .end)
        try statement.bind(first.job, at: 1)
        try statement.bind(first.position, at: 2)
        try statement.bind(end.job, at: 3)
        try statement.bind(end.position, at: 4)
        return try Self.tally(statement) { (row) throws(StorageFault) in try body(part, row) }
    }

    /// Calls `body` with every row of the statement, and counts them.
    static func tally(
        _ statement: SQLiteStatement, _ body: (ExecutionRowSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Tallies {
        var tallies = Tallies()
        while try statement.step() {
            try statement.readExecutionSpan { (row, checksum) throws(StorageFault) in
                if row.isFinished { tallies.finished.add(checksum) } else { tallies.open.add(checksum) }
                try body(row)
            }
        }
        return tallies
    }
}
