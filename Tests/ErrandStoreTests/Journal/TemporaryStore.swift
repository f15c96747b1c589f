import ErrandTestSupport
import Foundation
import Glibc

@testable import ErrandStore

/// A directory for a store, gone at the end of the test.
final class TemporaryStore: Sendable {
    let path: String

    /// - Parameter isOnDisk: syncs cost time; where thousands of stores are opened, memory does as well.
    init(isOnDisk: Bool = true) {
        let memory = isOnDisk ? nil : MemoryDirectory.path
        path = (memory ?? FileManager.default.temporaryDirectory.path()) + "errand-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var databasePath: String { path + "/errand.db" }
    var walPath: String { path + "/errand.db-wal" }

    func open() throws(StorageFault) -> JournalDatabase { try JournalDatabase.open(directory: path, create: true) }

    func bytes(_ path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map(Array.init) ?? [] }

    /// What a crash leaves: the database and the WAL as they are at this moment.
    func files() -> StoreFiles { StoreFiles(database: bytes(databasePath), wal: bytes(walPath)) }

    /// Puts files in place of those that are there.
    func replace(with files: StoreFiles) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: databasePath + "-shm")
        try Data(files.database).write(to: URL(filePath: databasePath))
        try Data(files.wal).write(to: URL(filePath: walPath))
    }

    /// The process' descriptor of the WAL of this store.
    func walDescriptor() throws -> Int32 {
        let target = URL(filePath: walPath).resolvingSymlinksInPath().path()
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            if let number = Int32(name),
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")) == target
            {
                return number
            }
        }
        throw CocoaError(.fileNoSuchFile)
    }

    /// Runs `body` while the WAL is a device: /dev/full refuses writes, /dev/null takes them and refuses to sync.
    func withWAL<Result>(
        at device: String, isWritable: Bool = true, _ body: () throws -> Result
    ) throws -> Result {
        let descriptor = try walDescriptor()
        let saved = dup(descriptor)
        let other = Glibc.open(device, (isWritable ? O_RDWR : O_RDONLY) | O_CLOEXEC)
        dup2(other, descriptor)
        defer {
            dup2(saved, descriptor)
            close(saved)
            close(other)
        }
        return try body()
    }
}

struct StoreFiles {
    var database: [UInt8]
    var wal: [UInt8]
}

/// All that a store holds, to compare.
struct StoreContent: Equatable {
    var records: [[UInt8]] = []
    var executions: [String: [UInt8]] = [:]
    var others: [String: [UInt8]] = [:]

    /// Whether this is what `whole` held at an earlier time.
    func isPrefix(of whole: StoreContent) -> Bool {
        executions == whole.executions && others == whole.others && whole.records.starts(with: records)
    }
}

extension RawSpan {
    var array: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension JournalDatabase {
    func content() throws(StorageFault) -> StoreContent {
        var content = StoreContent()
        try forEachRecord(after: checkpointSequence) { content.records.append($1.array) }
        try forEachExecution(.all) { (row, body) in content.executions["\(row)"] = body.array }
        try forEachJob { content.others["job \($0)"] = $1.array }
        try forEachTargets { content.others["targets \($0) \($1)"] = $2.array }
        try forEachFact { content.others["fact \($0)"] = $1.array }
        return content
    }

    /// Appends a group of records that say which they are.
    func appendGroup(recordCount: UInt64, byteCount: Int = 20) throws(StorageFault) {
        let first = lastSequence + 1
        let last = lastSequence + recordCount
        var bytes: [UInt8] = []
        for sequence in first...last {
            let record = Self.record(sequence, byteCount: byteCount)
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: record.count >> (8 * $0)) } + record
        }
        try appendGroup(first: first, last: last, records: bytes.span.bytes)
    }

    static func record(_ sequence: UInt64, byteCount: Int = 20) -> [UInt8] {
        let start = Int(truncatingIfNeeded: sequence &* 31 & 255)
        return Array(countingBytes[start..<(start + byteCount)])
    }

    /// Counting up again and again; a copy of some of them is made much sooner than they are counted, in a debug build.
    private static let countingBytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0) }

    /// All steps of a checkpoint, one behind the other.
    func checkpoint(
        through sequence: UInt64, _ body: (borrowing StateTransaction) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        try moveCheckpoint(through: sequence, journalStart: sequence, body)
        while try trimJournal() {}
        try moveWAL()
    }

    /// Some rows in every table.
    func checkpointSomething(through sequence: UInt64, mark: UInt8 = 1) throws(StorageFault) {
        try checkpoint(through: sequence) { (state) throws(StorageFault) in
            for job in 1...3 as ClosedRange<Int64> {
                try state.putJob(job, body: [mark, 1, UInt8(job)].span.bytes)
                try state.putTargets(job, chunk: 0, body: [UInt8](repeating: mark, count: 3000).span.bytes)
                for position in 0..<20 as Range<Int64> {
                    let row = ExecutionRow(
                        job: job, position: position, thing: "thing-\(position)", isFinished: position % 2 == 0,
                        finishedAtMilliseconds: position % 2 == 0 ? 5 : 0)
                    try state.putExecution(row, body: [UInt8](repeating: mark, count: 100).span.bytes)
                }
            }
            try state.putFact("clock", body: [mark, 9].span.bytes)
        }
    }
}

/// The fault of what must fail.
func faultOf(_ body: () throws -> Void) -> StorageFault? {
    do { try body() } catch { return error as? StorageFault }
    return nil
}
