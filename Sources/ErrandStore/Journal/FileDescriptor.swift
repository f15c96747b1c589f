internal import Glibc

/// The few file calls that SQLite does not make for the store. Closes at the end of its life.
///
/// Never for a database that SQLite has open in this process: closing any descriptor of a file drops all POSIX locks
/// that the process holds on it, SQLite's among them.
struct FileDescriptor: ~Copyable {
    private let number: Int32

    init(path: String, flags: Int32, mode: mode_t = 0o600) throws(StorageFault) {
        number = open(path, flags | O_CLOEXEC, mode)
        if number < 0 {
            throw .directoryUnusable(path: path, operation: "open", errorNumber: errno)
        }
    }

    deinit { _ = close(number) }

    /// Makes what was written, or the entries of a directory, durable.
    func sync(path: String) throws(StorageFault) {
        guard fsync(number) == 0 else {
            throw .inputOutput(operation: "sync \(path)", code: errno, text: Self.text(of: errno))
        }
    }

    /// Returns whether nobody else holds it. It holds until the descriptor is closed, by a crash too.
    func tryLock() -> Bool { flock(number, LOCK_EX | LOCK_NB) == 0 }

    func unlock() { _ = flock(number, LOCK_UN) }

    var byteCount: Int64 {
        var status = stat()
        return fstat(number, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Fills `bytes` from `offset` on and returns how many there were.
    func read(into bytes: inout [UInt8], at offset: Int64, path: String) throws(StorageFault) -> Int {
        var done = 0
        while done < bytes.count {
            // pread writes at most as many bytes as are left in the buffer, and keeps no pointer.
            let count = bytes.withUnsafeMutableBytes {
                pread(number, $0[done...].baseAddressOfSlice, $0.count - done, off_t(offset) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .inputOutput(operation: "read \(path)", code: errno, text: Self.text(of: errno))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func replaceContent(with text: String) {
        guard ftruncate(number, 0) == 0 else { return }
        var text = text
        // pwrite reads the bytes during the call only.
        _ = text.withUTF8 { pwrite(number, $0.baseAddress, $0.count, 0) }
    }

    static func text(of errorNumber: Int32) -> String { String(cString: strerror(errorNumber)) }
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func syncDirectory(_ path: String) throws(StorageFault) {
        let directory = try FileDescriptor(path: path, flags: O_RDONLY | O_DIRECTORY)
        try directory.sync(path: path)
    }

    static func byteCount(of path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}

extension Slice<UnsafeMutableRawBufferPointer> {
    /// Where the slice begins; the slice is never longer than its base.
    fileprivate var baseAddressOfSlice: UnsafeMutableRawPointer? { base.baseAddress?.advanced(by: startIndex) }
}
