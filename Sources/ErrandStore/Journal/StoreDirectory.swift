internal import Glibc

/// The directory of one store and the lock that keeps a second server out of it.
struct StoreDirectory: ~Copyable {
    let path: String
    private let lock: FileDescriptor

    static let databaseName = "errand.db"

    var databasePath: String { Self.databasePath(in: path) }
    var walPath: String { databasePath + "-wal" }

    static func databasePath(in directory: String) -> String { "\(directory)/\(databaseName)" }

    /// Makes the directory if it may, and takes the lock. It is held until this value ends.
    init(path: String, create: Bool) throws(StorageFault) {
        if create { try Self.make(path) }
        let lockPath = "\(path)/errand.lock"
        let lock: FileDescriptor
        do {
            lock = try FileDescriptor(path: lockPath, flags: O_RDWR | O_CREAT)
        } catch .directoryUnusable(_, let operation, let errorNumber) {
            throw .directoryUnusable(path: path, operation: operation, errorNumber: errorNumber)
        }
        guard lock.tryLock() else {
            var bytes = [UInt8](repeating: 0, count: 20)
            let count = try lock.read(into: &bytes, at: 0, path: lockPath)
            throw .locked(path: path, processId: Int32(String(decoding: bytes[..<count], as: UTF8.self)))
        }
        lock.replaceContent(with: String(getpid()))
        // The file stays when the lock goes: a process that waits for it must not end up with another file's lock.
        self.lock = lock
        self.path = path
    }

    /// Lets others have it before this value ends.
    func unlock() { lock.unlock() }

    /// Makes one directory, for this user only, and makes its entry durable.
    private static func make(_ path: String) throws(StorageFault) {
        if mkdir(path, 0o700) == 0 {
            return try FileDescriptor.syncDirectory(parent(of: path))
        }
        guard errno == EEXIST else {
            throw .directoryUnusable(path: path, operation: "mkdir", errorNumber: errno)
        }
    }

    private static func parent(of path: String) -> String {
        let trimmed = path.hasSuffix("/") ? path.dropLast() : path[...]
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    /// Puts a finished database in its place: from here on it is there completely, after a crash too.
    func adopt(_ newPath: String) throws(StorageFault) { try Self.adopt(newPath, in: path) }

    static func adopt(_ newPath: String, in directory: String) throws(StorageFault) {
        try adopt(newPath, asFile: databasePath(in: directory))
    }

    /// The same under any name.
    static func adopt(_ newPath: String, asFile path: String) throws(StorageFault) {
        do {
            let file = try FileDescriptor(path: newPath, flags: O_RDWR)
            try file.sync(path: newPath)
        }
        guard rename(newPath, path) == 0 else {
            throw .directoryUnusable(path: path, operation: "rename", errorNumber: errno)
        }
        try FileDescriptor.syncDirectory(parent(of: path))
    }

    static func removeDatabase(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    /// Looks at what is there before SQLite does, so that a file that is not ours stays as it is.
    func examine() throws(StorageFault) {
        guard FileDescriptor.exists(databasePath) || FileDescriptor.exists(walPath) else {
            throw .directoryUnusable(path: path, operation: "open \(Self.databaseName)", errorNumber: ENOENT)
        }
        guard FileDescriptor.byteCount(of: databasePath) > 0 else {
            // SQLite would delete a WAL without a database, and take an empty file for a new one.
            throw .damaged(
                "the database is \(FileDescriptor.exists(databasePath) ? "empty" : "missing")", at: databasePath)
        }
        let file = try FileDescriptor(path: databasePath, flags: O_RDONLY)
        var header = [UInt8](repeating: 0, count: 100)
        guard try file.read(into: &header, at: 0, path: databasePath) == header.count,
            header.starts(with: "SQLite format 3\0".utf8), Self.integer(header, at: 68) == StoreSchema.applicationId
        else { throw .unknownFormat(path: databasePath, found: "not a store of Errand") }
        let version = Self.integer(header, at: 60)
        guard version == StoreSchema.formatVersion else {
            throw .unknownFormat(path: databasePath, found: "a store of version \(version)")
        }
        try WALExamination.check(path: walPath)
    }

    private static func integer(_ bytes: [UInt8], at offset: Int) -> Int64 {
        Int64(bytes[offset..<(offset + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
}
