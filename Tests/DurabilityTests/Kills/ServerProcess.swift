import Dispatch
import Glibc
import Testing

/// The built `errand`, serving a directory as a process of its own, to be killed.
///
/// `@unchecked Sendable`: `isReaped` is set by `kill`, which is called once.
final class ServerProcess: @unchecked Sendable {
    private let processId: pid_t
    private let output: Int32
    let port: Int
    private var isReaped = false

    /// It stands next to the test bundle that runs now.
    private static var path: String {
        get throws {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            try #require(count > 0)
            let bundle = String(decoding: buffer[..<count], as: UTF8.self)
            let folder = try #require(bundle.lastIndex(of: "/"))
            let path = String(bundle[...folder] + "errand")
            try #require(access(path, X_OK) == 0, "\(path) has not been built")
            return path
        }
    }

    /// Starts it and waits until it serves.
    init(data: String) async throws {
        // Sockets, because they are close-on-exec from the first: no other child keeps one open.
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        let path = try Self.path
        let arguments = [path, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "warning"]
        var argv = arguments.map { strdup($0) } + [nil]
        var variables = [strdup("TZ=UTC"), nil]
        defer { for pointer in argv + variables { free(pointer) } }
        var processId = pid_t()
        let code = posix_spawn(&processId, path, &actions, nil, &argv, &variables)
        close(ends[1])
        try #require(code == 0, "posix_spawn: \(String(cString: strerror(code)))")
        self.processId = processId
        output = ends[0]
        let descriptor = ends[0]
        let line = await Self.blocking { Self.line(descriptor) }
        port = line.split(separator: ":").last.flatMap { Int($0) } ?? 0
        try #require(port > 0, "the server does not start: '\(line)'")
    }

    deinit {
        close(output)
        guard !isReaped else { return }
        Glibc.kill(processId, SIGKILL)
        waitpid(processId, nil, 0)
    }

    /// kill -9, and waits until the process is gone.
    func kill() async throws {
        Glibc.kill(processId, SIGKILL)
        let status = await Self.blocking { [processId] in
            var status: Int32 = 0
            waitpid(processId, &status, 0)
            return status
        }
        isReaped = true
        try #require(status & 0x7F == SIGKILL, "the server had ended before it was killed: \(status)")
    }

    private static func line(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Off the threads that tests run on.
    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}
