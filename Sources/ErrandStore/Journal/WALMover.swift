/// Moves the WAL into the database beside its writer, on a connection of its own, so that no commit waits for the copying
/// and its sync. What comes meanwhile is moved in further rounds, each shorter than the one before; the few pages that are
/// left in the end are moved between two groups, and only then can the WAL begin anew.
///
/// `@unchecked Sendable`: used on the checkpoints' queue only; `isDue` looks at what has a lock of its own.
final class WALMover: @unchecked Sendable {
    private let length: WALLength
    private let connection: SQLiteConnection

    /// How many pages gather before they are moved. Pages that are written again meanwhile are moved only once.
    private static let pageCount = (64 << 20) / 8192
    /// So few are moved while the writer waits.
    private static let lastPageCount = 48
    private static let roundCountMax = 5

    /// Opened with the store, and not when it is first needed: then there may be no descriptor left.
    init(path: String, length: WALLength) throws(StorageFault) {
        self.length = length
        connection = try SQLiteConnection(path: path, mayCreate: false)
        try StoreSchema.configureMover(connection)
    }

    var isDue: Bool { length.unmovedPageCount >= Self.pageCount }

    /// Moves all but some pages, unless so much comes that it is never done. Returns what kept it from that.
    func move() -> StorageFault? {
        do throws(StorageFault) {
            for _ in 0..<Self.roundCountMax {
                let hasMoved = try length.move { () throws(StorageFault) in try connection.moveWAL() }
                if !hasMoved || length.unmovedPageCount <= Self.lastPageCount { break }
            }
        } catch {
            return error
        }
        return nil
    }
}
