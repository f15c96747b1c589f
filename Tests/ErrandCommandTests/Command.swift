import Dispatch
import Glibc
import Testing

/// The built `errand`, run as a process of its own.
///
/// `@unchecked Sendable`: what changes is only `isReaped`, which `waitForEnd`, called once, sets.
final class Command: @unchecked Sendable {
    struct Result: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    let processId: pid_t
    private let output: Int32
    private let errors: Int32
    private var isReaped = false

    /// It stands next to the test bundle that runs now.
    private static var path: String {
        get throws {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            try #require(count > 0)
            let bundle = String(decoding: buffer[..<count], as: UTF8.self)
            let folder = try #require(bundle.lastIndex(of: "/"))
            let path = bundle[...folder] + "errand"
            try #require(access(String(path), X_OK) == 0, "\(path) has not been built")
            return String(path)
        }
    }

    /// With `hasTerminal` its standard error is a terminal.
    init(
        _ arguments: [String], input: String = "", environment: [String] = [], hasTerminal: Bool = false
    ) throws {
        let (inputRead, inputWrite) = try Self.pipe()
        let (outputRead, outputWrite) = try Self.pipe()
        let (errorsRead, errorsWrite) = hasTerminal ? try Self.terminal() : try Self.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, inputRead, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, outputWrite, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errorsWrite, STDERR_FILENO)
        let path = try Self.path
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = (["TZ=UTC"] + environment).map { strdup($0) } + [nil]
        defer { for pointer in argv + variables { free(pointer) } }
        var processId = pid_t()
        let code = posix_spawn(&processId, path, &actions, nil, &argv, &variables)
        for descriptor in [inputRead, outputWrite, errorsWrite] { close(descriptor) }
        try #require(code == 0, "posix_spawn: \(String(cString: strerror(code)))")
        self.processId = processId
        output = outputRead
        errors = errorsRead
        // Short enough for the socket's buffer, so that this cannot block.
        let bytes = Array(input.utf8)
        try #require(bytes.count <= 4096)
        // The process may have ended without reading.
        _ = Glibc.send(inputWrite, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        close(inputWrite)
    }

    deinit {
        close(output)
        close(errors)
        if !isReaped {
            kill(processId, SIGKILL)
            waitpid(processId, nil, 0)
        }
    }

    /// A pair of sockets, because they are close-on-exec from the first: no other child keeps one open.
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// Both ends of a new terminal.
    private static func terminal() throws -> (read: Int32, write: Int32) {
        let flags = O_RDWR | O_NOCTTY | O_CLOEXEC
        let master = open("/dev/ptmx", flags)
        // TIOCSPTLCK and TIOCGPTN of Linux: unlocks the other end, and says its number.
        var isLocked: Int32 = 0
        var number: Int32 = 0
        try #require(master >= 0 && ioctl(master, 0x4004_5431, &isLocked) == 0)
        try #require(ioctl(master, 0x8004_5430, &number) == 0)
        let slave = open("/dev/pts/\(number)", flags)
        try #require(slave >= 0)
        return (master, slave)
    }

    func send(_ signal: Int32) { kill(processId, signal) }

    /// The next line of standard output.
    func line() async -> String {
        await Self.blocking { [output] in
            var bytes: [UInt8] = []
            var byte: UInt8 = 0
            while read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Reads standard error until it has said `text`; false if it ends before.
    func says(_ text: String) async -> Bool {
        await Self.blocking { [errors] in
            var seen = ""
            var piece = [UInt8](repeating: 0, count: 4096)
            while !seen.contains(text) {
                let count = read(errors, &piece, piece.count)
                guard count > 0 else { return false }
                seen += String(decoding: piece[..<count], as: UTF8.self)
            }
            return true
        }
    }

    /// Waits until the process has ended; to be called once.
    func waitForEnd() async -> Result {
        async let output = Self.blocking { [output] in Self.readAll(output) }
        async let errors = Self.blocking { [errors] in Self.readAll(errors) }
        let (outputText, errorText) = await (output, errors)
        let status = await Self.blocking { [processId] in
            var status: Int32 = 0
            waitpid(processId, &status, 0)
            // The low seven bits hold the signal that ended it, the next byte its exit status.
            return status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
        }
        isReaped = true
        return Result(status: status, output: outputText, errors: errorText)
    }

    static func run(_ arguments: String..., input: String = "", environment: [String] = []) async throws -> Result {
        try await Command(arguments, input: input, environment: environment).waitForEnd()
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
        }
    }

    /// Off the threads that tests run on.
    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}
