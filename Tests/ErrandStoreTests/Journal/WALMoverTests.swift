import Synchronization
import Testing

@testable import ErrandStore

@Suite(.timeLimit(.minutes(2)))
struct WALMoverTests {
    private let store = TemporaryStore(isOnDisk: false)

    @Test func whatWasMovedIsInTheDatabaseAlone() throws {
        let database = try store.open()
        let mover = WALMover(path: store.databasePath, length: database.walLength)
        #expect(!mover.isDue)
        while !mover.isDue { try database.appendGroup(recordCount: 100, byteCount: 40_000) }
        #expect(mover.move() == nil)
        #expect(!mover.isDue)
        let expected = try database.content()
        let copy = TemporaryStore(isOnDisk: false)
        try copy.replace(with: StoreFiles(database: store.files().database, wal: []))
        #expect(try copy.open().content() == expected)
        // The writer goes on, and begins the WAL anew when nothing of it is left to be moved.
        try database.moveWAL()
        try database.appendGroup(recordCount: 1)
        #expect(database.walLength.pageCount.load(ordering: .relaxed) < 10 && !mover.isDue)
        #expect(database.verify() == [])
    }

    /// A backup reads while the WAL is moved; the rest is moved when it has ended.
    @Test func aReaderKeepsWhatItSees() throws {
        let database = try store.open()
        let mover = WALMover(path: store.databasePath, length: database.walLength)
        try database.appendGroup(recordCount: 3)
        let reader = try SQLiteConnection(path: store.databasePath, mayCreate: false)
        try reader.execute("BEGIN")
        #expect(try reader.integer("SELECT count(*) FROM journal") == 1)
        try database.appendGroup(recordCount: 3)
        #expect(mover.move() == nil)
        #expect(try reader.integer("SELECT count(*) FROM journal") == 1)
        try reader.execute("COMMIT")
        #expect(try reader.integer("SELECT count(*) FROM journal") == 2)
        #expect(mover.move() == nil && database.fault == nil && database.verify() == [])
    }
}
