/// What must be there: the end of the journal, and the count and sum of checksums of each state table.
///
/// It is written in the transaction of each group and each checkpoint, so that a row that is missing is noticed. One
/// more page for each group is little beside the group and its sync.
struct StoreMeta: Equatable {
    var lastSequence: UInt64 = 0
    /// What the state tables hold.
    var checkpointSequence: UInt64 = 0
    var groupCount: UInt64 = 0
    /// The journal holds what is after this one: more than is not in the tables, for watches that come back.
    var journalStart: UInt64 = 0
    var jobs = Tally()
    var targets = Tally()
    var openExecutions = Tally()
    var finishedExecutions = Tally()
    var facts = Tally()

    /// The rows of one table. Sums are mod 2^64.
    struct Tally: Equatable {
        var rowCount: UInt64 = 0
        var checksumSum: UInt64 = 0

        mutating func add(_ checksum: Int64) {
            rowCount &+= 1
            checksumSum &+= UInt64(bitPattern: checksum)
        }

        mutating func add(_ other: Tally) {
            rowCount &+= other.rowCount
            checksumSum &+= other.checksumSum
        }

        mutating func remove(_ checksum: Int64) {
            rowCount &-= 1
            checksumSum &-= UInt64(bitPattern: checksum)
        }
    }

    static let replaceStatement = "REPLACE INTO meta(id, body, checksum) VALUES(0, ?1, ?2)"
    private static let fieldCount = 14

    private var fields: InlineArray<14, UInt64> {
        [
            lastSequence, checkpointSequence, groupCount, jobs.rowCount, jobs.checksumSum, targets.rowCount,
            targets.checksumSum, openExecutions.rowCount, openExecutions.checksumSum, finishedExecutions.rowCount,
            finishedExecutions.checksumSum, facts.rowCount, facts.checksumSum, journalStart,
        ]
    }

    func store(with statement: SQLiteStatement) throws(StorageFault) {
        var fields = fields
        for index in fields.indices { fields[index] = fields[index].littleEndian }
        let bytes = fields.span.bytes
        var checksum = RowChecksum()
        checksum.add(bytes)
        try statement.bind(checksum.value, at: 2)
        try statement.run(bytes: bytes, at: 1)
    }

    static func load(from connection: SQLiteConnection) throws(StorageFault) -> StoreMeta {
        let statement = try connection.prepare("SELECT body, checksum FROM meta WHERE id = 0")
        guard try statement.step() else { throw .damaged("the row is missing", at: "meta") }
        let stated = try statement.integer(1)
        var fields: [UInt64] = []
        try statement.withBytes(0) { (bytes) throws(StorageFault) in
            var checksum = RowChecksum()
            checksum.add(bytes)
            guard checksum.value == stated, bytes.byteCount == 8 * fieldCount else {
                throw .damaged("the checksum is wrong", at: "meta")
            }
            // Any eight bytes are an integer, and the count has been checked.
            bytes.withUnsafeBytes { buffer in
                fields = (0..<fieldCount).map {
                    UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
                }
            }
        }
        var meta = StoreMeta()
        (meta.lastSequence, meta.checkpointSequence, meta.groupCount) = (fields[0], fields[1], fields[2])
        func tally(_ index: Int) -> Tally { Tally(rowCount: fields[index], checksumSum: fields[index + 1]) }
        (meta.jobs, meta.targets, meta.openExecutions) = (tally(3), tally(5), tally(7))
        (meta.finishedExecutions, meta.facts) = (tally(9), tally(11))
        meta.journalStart = fields[13]
        // Sequences are stored as SQLite's signed integers, and more are to come.
        guard meta.lastSequence < UInt64(Int64.max) / 2, meta.checkpointSequence <= meta.lastSequence,
            meta.journalStart <= meta.checkpointSequence
        else {
            throw .damaged("the sequences make no sense", at: "meta")
        }
        return meta
    }
}
