internal import CStorageFaults
import Synchronization

/// A call that changes a file, or makes it durable.
struct StorageCall: Sendable {
    enum Kind: Sendable { case write, sync, truncate }

    var kind: Kind
    /// The file's name without its directory.
    var file: String
    /// Of a write; the new size of a truncation.
    var offset: Int
    var byteCount: Int
}

/// Is told of every such call on the files of one directory before it is made, and decides what becomes of it. It stands
/// below SQLite, which so meets the very errors that a broken disk gives.
final class StorageObserver: Sendable {
    /// Returns the error that the call is to fail with, 0 for none. The bytes are good during the call only.
    typealias Judge = @Sendable (StorageCall, _ bytes: UnsafeRawBufferPointer) -> Int32

    private let judge: Judge
    private let number = Mutex<Int32>(-1)

    init(_ directory: String, _ judge: @escaping Judge) {
        self.judge = judge
        // The context lives until `deinit` has ended the observation, which waits for calls that are under way.
        let context = Unmanaged.passUnretained(self).toOpaque()
        let number = errand_storage_observe(
            directory,
            { context, call, path, offset, bytes, byteCount in
                guard let context, let path else { return 0 }
                return Unmanaged<StorageObserver>.fromOpaque(context).takeUnretainedValue()
                    .told(
                        call, String(cString: path), offset, UnsafeRawBufferPointer(start: bytes, count: Int(byteCount))
                    )
            }, context)
        precondition(number >= 0, "too many observers")
        self.number.withLock { $0 = number }
    }

    deinit { errand_storage_unobserve(number.withLock { $0 }) }

    private func told(_ call: Int32, _ path: String, _ offset: Int64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        let kind: StorageCall.Kind = call == 1 ? .write : call == 2 ? .sync : .truncate
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return judge(StorageCall(kind: kind, file: name, offset: Int(offset), byteCount: bytes.count), bytes)
    }
}

/// Lets one call fail, and remembers what came before and after.
final class FailingDisk: Sendable {
    struct Log: Sendable {
        var callCount = 0
        var failed: StorageCall?
        var afterFailure: [StorageCall] = []
    }

    private final class SharedLog: Sendable {
        let log = Mutex(Log())
    }

    private let shared: SharedLog
    private let observer: StorageObserver

    /// The call `index`, the first being 1, fails with `error`.
    init(_ directory: String, failing index: Int, with error: Int32) {
        let shared = SharedLog()
        self.shared = shared
        observer = StorageObserver(directory) { call, _ in
            shared.log.withLock { log in
                log.callCount += 1
                if log.failed != nil { log.afterFailure.append(call) }
                guard log.callCount == index else { return 0 }
                log.failed = call
                return error
            }
        }
    }

    var seen: Log { shared.log.withLock { $0 } }
}
