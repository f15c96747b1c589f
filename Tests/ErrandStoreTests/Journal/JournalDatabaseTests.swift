import ErrandStore
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct JournalDatabaseTests {
    private let store = TemporaryStore()

    @Test func groupsComeBackAfterClose() throws {
        let written: StoreContent
        do {
            let database = try store.open()
            for count in [1, 3, 500] as [UInt64] { try database.appendGroup(recordCount: count) }
            written = try database.content()
            #expect(written.records == (1...504).map { JournalDatabase.record($0) })
            try database.close()
            #expect(store.bytes(store.walPath).isEmpty)
        }
        let database = try store.open()
        #expect(try database.content() == written)
        #expect(database.lastSequence == 504 && database.verify() == [])
        try database.appendGroup(recordCount: 1)
        #expect(database.statistics().groupCount == 4)
    }

    @Test func groupsComeBackAfterACrashAtAnyMoment() throws {
        let database = try store.open()
        let other = TemporaryStore()
        for count in 0..<12 as Range<UInt64> {
            let expected = try database.content()
            try other.replace(with: store.files())
            let copy = try other.open()
            #expect(try copy.content() == expected)
            #expect(copy.verify() == [])
            try database.appendGroup(recordCount: 1 + count * 20)
            if count % 4 == 3 { try database.checkpointSomething(through: database.lastSequence, mark: UInt8(count)) }
        }
    }

    @Test func readingBeginsInsideAGroup() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 5)
        try database.appendGroup(recordCount: 5)
        var found: [UInt64] = []
        try database.forEachRecord(after: 3) { (sequence, _) in found.append(sequence) }
        #expect(found == [4, 5, 6, 7, 8, 9, 10])
        try database.checkpoint(through: 7) { _ in }
        #expect(database.statistics().groupCount == 1 && database.verify() == [])
    }

    @Test func aSecondServerIsRefusedAndToldOfTheFirst() throws {
        let database = try store.open()
        #expect(
            faultOf { _ = try store.open() }
                == .locked(path: store.path, processId: ProcessInfo.processInfo.processIdentifier))
        try database.close()
        withExtendedLifetime(database) {}
    }

    @Test func theLockGoesWithTheServer() throws {
        do { _ = try store.open() }
        _ = try store.open()
    }

    @Test func anUnknownVersionStaysUntouched() throws {
        do { try store.open().close() }
        var files = store.files()
        files.database[63] = 3
        try store.replace(with: files)
        #expect(
            faultOf { _ = try store.open() }
                == .unknownFormat(path: store.databasePath, found: "a store of version 3"))
        #expect(store.files().database == files.database)
    }

    @Test(arguments: ["plain text", String(repeating: "SQLite format 3\0", count: 40)])
    func aForeignFileStaysUntouched(_ text: String) throws {
        let files = StoreFiles(database: Array(text.utf8), wal: [])
        try store.replace(with: files)
        #expect(
            faultOf { _ = try store.open() }
                == .unknownFormat(path: store.databasePath, found: "not a store of Errand"))
        #expect(store.files().database == files.database)
    }

    @Test func aWALWithoutItsDatabaseIsDamageAndStays() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 1)
        let files = store.files()
        for content in [nil, []] as [[UInt8]?] {
            let other = TemporaryStore()
            try other.replace(with: StoreFiles(database: content ?? [], wal: files.wal))
            if content == nil { try FileManager.default.removeItem(atPath: other.databasePath) }
            guard case .damaged = faultOf({ _ = try other.open() }) else {
                Issue.record("taken for a new store")
                continue
            }
            #expect(other.bytes(other.walPath) == files.wal)
        }
    }

    @Test func whatIsNotThereIsNotMade() throws {
        let open = { _ = try JournalDatabase.open(directory: store.path, create: false) }
        guard case .directoryUnusable = faultOf(open) else {
            return #expect(Bool(false), "opened a store that is not there")
        }
        #expect(!FileManager.default.fileExists(atPath: store.path))
        try FileManager.default.createDirectory(atPath: store.path, withIntermediateDirectories: false)
        guard case .directoryUnusable = faultOf(open) else {
            return #expect(Bool(false), "opened a store that is not there")
        }
    }

    /// /proc refuses new files to every user, root too.
    @Test(arguments: ["/proc/self", "/proc/errand", "/nowhere/errand"])
    func aDirectoryThatCannotBeWrittenIsNamed(_ path: String) {
        let found = faultOf { _ = try JournalDatabase.open(directory: path, create: true) }
        guard case .directoryUnusable(path, _, _) = found else { return #expect(Bool(false), "opened \(path)") }
    }

    @Test func aFullDiskKeepsNothingAndPasses() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 2)
        let before = try database.content()
        let full = try store.withWAL(at: "/dev/full") { faultOf { try database.appendGroup(recordCount: 3) } }
        guard case .diskFull = full else { return #expect(Bool(false), "\(String(describing: full))") }
        #expect(database.fault == nil && database.lastSequence == 2)
        #expect(try database.content() == before)
        try database.appendGroup(recordCount: 3)
        #expect(database.lastSequence == 5 && database.verify() == [])
    }

    @Test func aFailedSyncIsTheEndOfWritingButNotOfReading() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 2)
        let before = try database.content()
        let failed = try store.withWAL(at: "/dev/null") { faultOf { try database.appendGroup(recordCount: 3) } }
        // 1034 is SQLITE_IOERR_FSYNC.
        guard case .inputOutput(_, 1034, _) = failed else {
            return #expect(Bool(false), "\(String(describing: failed))")
        }
        // The disk is well again; the fault stays.
        #expect(faultOf { try database.appendGroup(recordCount: 1) } == failed)
        #expect(faultOf { try database.checkpointSomething(through: 2) } == failed)
        #expect(try database.content() == before)
        let wal = store.bytes(store.walPath)
        try database.close()
        #expect(store.bytes(store.walPath) == wal)
    }

    @Test func aFailedWriteIsTheEndToo() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 1)
        let failed = try store.withWAL(at: "/dev/null", isWritable: false) {
            faultOf { try database.appendGroup(recordCount: 1) }
        }
        guard case .inputOutput = failed else { return #expect(Bool(false), "\(String(describing: failed))") }
        #expect(database.fault == failed && faultOf { try database.appendGroup(recordCount: 1) } == failed)
    }

    @Test func aBackupBesideTheServerIsAStoreOfThatMoment() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 300)
        try database.checkpointSomething(through: 200)
        try database.appendGroup(recordCount: 10)
        let expected = try database.content()
        let target = TemporaryStore()
        try database.backUp(to: target.path)
        try database.appendGroup(recordCount: 10)
        let copy = try target.open()
        #expect(try copy.content() == expected)
        #expect(copy.verify() == [])
        try copy.appendGroup(recordCount: 1)
        // What is there is never written over.
        #expect(faultOf { try database.backUp(to: target.path) } != nil)
    }

    @Test func everyFaultIsOneLineThatSaysWhatToDo() {
        let faults: [StorageFault] = [
            .directoryUnusable(path: "/x", operation: "open", errorNumber: 13), .locked(path: "/x", processId: 3),
            .locked(path: "/x", processId: nil), .unknownFormat(path: "/x", found: "a store of version 3"),
            .damaged("the checksum is wrong", at: "jobs, row 1"), .diskFull(operation: "COMMIT"),
            .inputOutput(operation: "COMMIT", code: 1034, text: "disk I/O error"), .stopped,
        ]
        for text in faults.map(\.description) {
            #expect(!text.contains("\n") && text.hasSuffix(".") && (text.contains("; ") || text.contains(". ")))
        }
    }
}
