import Dispatch
import Synchronization
import Testing

@testable import ErrandStore

@Suite(.timeLimit(.minutes(2)))
struct WALMoverTests {
    private let store = TemporaryStore(isOnDisk: false)

    @Test func whatWasMovedIsInTheDatabaseAlone() throws {
        let database = try store.open()
        let mover = try WALMover(path: store.databasePath, length: database.walLength)
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
        #expect(database.walLength.pageCount < 10 && !mover.isDue)
        #expect(database.verify() == [])
    }

    /// A backup reads while the WAL is moved; the rest is moved when it has ended.
    @Test func aReaderKeepsWhatItSees() throws {
        let database = try store.open()
        let mover = try WALMover(path: store.databasePath, length: database.walLength)
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

    /// What SQLite must never be asked for: to move a WAL that has nothing left to be moved, while a commit may begin it anew.
    @Test func nobodyMovesWhatIsMoved() throws {
        let database = try store.open()
        let mover = try WALMover(path: store.databasePath, length: database.walLength)
        try database.appendGroup(recordCount: 3)
        #expect(database.walLength.unmovedPageCount > 0)
        try database.moveWAL()
        #expect(database.walLength.unmovedPageCount == 0)
        var calls = 0
        func count() -> Int? {
            calls += 1
            return nil
        }
        #expect(try !database.walLength.move(count) && calls == 0)
        // Begun anew, it is shorter than it was; all of that is to be moved.
        try database.appendGroup(recordCount: 1)
        #expect(database.walLength.unmovedPageCount == database.walLength.pageCount)
        var isAlone = false
        let hasMoved = try database.walLength.move { () throws(StorageFault) in
            // One at a time.
            isAlone = try !database.walLength.move(count)
            return nil
        }
        #expect(isAlone && !hasMoved)
        #expect(calls == 0 && mover.move() == nil && database.walLength.unmovedPageCount == 0)
    }

    /// What a mover says of a WAL that has begun anew meanwhile does not count.
    @Test func aLateAnswerIsForgotten() throws {
        let length = WALLength()
        length.committed(pageCount: 100)
        #expect(
            try length.move {
                length.committed(pageCount: 3)
                return 100
            })
        #expect(length.unmovedPageCount == 3)
    }

    /// A long file of an earlier run says nothing about what is to be moved.
    @Test func aFileThatWasLeftIsNotDue() throws {
        let database = try store.open()
        for _ in 0..<3 { try database.appendGroup(recordCount: 100, byteCount: 400) }
        var files = store.files()
        files.wal += [UInt8](repeating: 0, count: 80 << 20)
        let copy = TemporaryStore(isOnDisk: false)
        try copy.replace(with: files)
        let reopened = try copy.open()
        let mover = try WALMover(path: copy.databasePath, length: reopened.walLength)
        #expect(!mover.isDue && reopened.walLength.unmovedPageCount == 0)
        #expect(try reopened.content() == database.content())
    }

    @Test func aWriterThatGoesOnLosesNothing() throws {
        let database = try store.open()
        let mover = try WALMover(path: store.databasePath, length: database.walLength)
        let end = End()
        let moved = Mutex<(count: Int, fault: StorageFault?)>((0, nil))
        let moving = DispatchGroup()
        DispatchQueue(label: "mover").async(group: moving) {
            while !end.hasCome {
                let fault = mover.move()
                moved.withLock { $0 = ($0.count + 1, $0.fault ?? fault) }
            }
        }
        defer { end.come() }
        // On until the mover has had its turn beside it, which on one CPU may take a while.
        var groups: UInt64 = 0
        while groups < 500 || (moved.withLock { $0.count } == 0 && groups < 50_000) {
            try database.appendGroup(recordCount: 20, byteCount: 2000)
            try database.maintain()
            if database.walLength.unmovedPageCount < 10 { try database.moveWAL() }
            groups += 1
        }
        end.come()
        moving.wait()
        #expect(moved.withLock { $0.count } > 0 && moved.withLock { $0.fault } == nil)
        #expect(database.fault == nil && database.verify() == [])
        #expect(database.lastSequence == groups * 20)
    }
}

private final class End: Sendable {
    private let flag = Atomic(false)
    var hasCome: Bool { flag.load(ordering: .relaxed) }
    func come() { flag.store(true, ordering: .relaxed) }
}
