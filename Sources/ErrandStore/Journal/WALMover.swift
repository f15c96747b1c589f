internal import Synchronization

/// Moves the WAL into the database beside its writer, on a connection of its own, so that no commit waits for the copying
/// and its sync. What comes meanwhile is moved in further rounds, each shorter than the one before; the few pages that are
/// left in the end are moved between two groups, and only then can the WAL begin anew.
///
/// `@unchecked Sendable`: used on the checkpoints' queue only; `isDue` looks at numbers that never change or are atomic.
final class WALMover: @unchecked Sendable {
    private let path: String
    private let length: WALLength
    private var connection: SQLiteConnection?
    /// How long the WAL was when it was last moved.
    private let movedPageCount = Atomic(0)

    /// How many pages gather before they are moved. Pages that are written again meanwhile are moved only once.
    private static let pageCount = (64 << 20) / 8192
    /// So few are moved while the writer waits.
    private static let lastPageCount = 48
    private static let roundCountMax = 5

    init(path: String, length: WALLength) {
        self.path = path
        self.length = length
    }

    var isDue: Bool {
        let now = length.pageCount.load(ordering: .relaxed)
        let moved = movedPageCount.load(ordering: .relaxed)
        // Fewer than there were: it has begun anew.
        return (now < moved ? now : now - moved) >= Self.pageCount
    }

    /// Moves all but some pages, unless so much comes that it is never done. Returns what kept it from that.
    func move() -> StorageFault? {
        do throws(StorageFault) {
            let connection = try connected()
            for _ in 0..<Self.roundCountMax {
                let moved = try connection.moveWAL().moved
                movedPageCount.store(moved, ordering: .relaxed)
                // What came since this round began; less than nothing if the WAL has begun anew.
                if length.pageCount.load(ordering: .relaxed) - moved <= Self.lastPageCount { break }
            }
        } catch {
            return error
        }
        return nil
    }

    private func connected() throws(StorageFault) -> SQLiteConnection {
        if let connection { return connection }
        let new = try SQLiteConnection(path: path, mayCreate: false)
        try StoreSchema.configureMover(new)
        connection = new
        return new
    }
}
