import Synchronization

@testable import ErrandStore

/// Every write and sync of a store's two files, from which the files can be made as they were before any of them.
final class DiskRecording: Sendable {
    struct Entry: Sendable {
        var call: StorageCall
        var bytes: [UInt8]
        /// What had been acknowledged by then.
        var acknowledged: UInt64
    }

    private final class Log: Sendable {
        let entries = Mutex<[Entry]>([])
        let acknowledged = Atomic<UInt64>(0)
    }

    private let log = Log()
    private let observer: StorageObserver
    let start: StoreFiles

    /// Begins with the files of `directory` as they are, which are on the disk.
    init(_ directory: TemporaryStore) {
        start = directory.files()
        let log = log
        observer = StorageObserver(directory.path) { call, bytes in
            guard call.file.hasPrefix("errand.db"), !call.file.hasSuffix("-shm") else { return 0 }
            log.entries.withLock {
                $0.append(
                    Entry(
                        call: call, bytes: Array(bytes), acknowledged: log.acknowledged.load(ordering: .acquiring)))
            }
            return 0
        }
    }

    func acknowledge(_ sequence: UInt64) { log.acknowledged.store(sequence, ordering: .releasing) }

    var entries: [Entry] { log.entries.withLock { $0 } }
}

/// The files of a store while a recording is played.
struct PlayedDisk {
    /// What the next process sees when this one ends.
    private(set) var files: StoreFiles
    /// What is on the disk for certain.
    private var synced: StoreFiles
    /// What may be on the disk or not, when the power ends.
    private var loose: [DiskRecording.Entry] = []

    init(_ files: StoreFiles) {
        self.files = files
        synced = files
    }

    mutating func play(_ entry: DiskRecording.Entry) {
        guard entry.call.kind == .sync else {
            files.apply(entry)
            loose.append(entry)
            return
        }
        for write in loose where write.call.file == entry.call.file { synced.apply(write) }
        loose.removeAll { $0.call.file == entry.call.file }
    }

    /// The end of the power: of what was not synced some is there, in no order.
    func afterPowerLoss(_ random: inout SeededGenerator) -> StoreFiles {
        var files = synced
        let isKept = Int.random(in: 0...2, using: &random)
        for write in loose where isKept == 1 || (isKept == 2 && Bool.random(using: &random)) { files.apply(write) }
        return files
    }
}

extension StoreFiles {
    mutating func apply(_ entry: DiskRecording.Entry) {
        if entry.call.file.hasSuffix("-wal") {
            Self.apply(entry, to: &wal)
        } else {
            Self.apply(entry, to: &database)
        }
    }

    private static func apply(_ entry: DiskRecording.Entry, to file: inout [UInt8]) {
        let offset = entry.call.offset
        if entry.call.kind == .truncate {
            if offset < file.count { file.removeSubrange(offset...) }
            file += [UInt8](repeating: 0, count: offset - file.count)
            return
        }
        let end = offset + entry.bytes.count
        if file.count < end { file += [UInt8](repeating: 0, count: end - file.count) }
        file.replaceSubrange(offset..<end, with: entry.bytes)
    }
}
