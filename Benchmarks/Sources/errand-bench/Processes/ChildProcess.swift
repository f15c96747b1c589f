import Foundation
import Glibc

/// A child whose standard input stays open until we close it, and whose standard output we read by lines.
///
/// Not Foundation's Process: every wait here has a limit, and a child that is let go is killed and reaped, so that no
/// server outlives a benchmark that failed.
final class ChildProcess {
    private let name: String
    let pid: pid_t
    private var input: Int32
    private let output: Int32
    private var unread: [UInt8] = []
    private var exitStatus: Int32?

    /// `environment` is added to our own.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        name = (path as NSString).lastPathComponent
        let toChild = try Self.pipe(), fromChild = try Self.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.reading, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fromChild.writing, STDOUT_FILENO)

        var argumentPointers: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { argumentPointers.forEach { free($0) } }
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var variablePointers: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { variablePointers.forEach { free($0) } }
        var pid: pid_t = 0
        let error = posix_spawn(&pid, path, &actions, nil, &argumentPointers, &variablePointers)
        self.pid = pid
        (input, output) = (toChild.writing, fromChild.reading)
        close(toChild.reading)
        close(fromChild.writing)
        if error != 0 {
            exitStatus = -1
            throw BenchmarkFailure("cannot start \(path): \(String(cString: strerror(error)))")
        }
    }

    deinit {
        if isRunning {
            kill(pid, SIGKILL)
            _ = waitpid(pid, nil, 0)
        }
        closeInput()
        close(output)
    }

    /// Close-on-exec, or one child would hold another's standard input open.
    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw BenchmarkFailure("cannot make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    var isRunning: Bool {
        if exitStatus == nil { reap() }
        return exitStatus == nil
    }

    private func reap() {
        var status: Int32 = 0
        if waitpid(pid, &status, WNOHANG) == pid { exitStatus = status }
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// The next line of its standard output.
    func line(withinSeconds seconds: Int) throws -> String {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeSubrange(...end) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            let left = (deadline - .now) / .milliseconds(1)
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&descriptor, 1, Int32(left.rounded(.up))) > 0 else {
                throw BenchmarkFailure("\(name) printed no line within \(seconds) s")
            }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(output, &bytes, bytes.count)
            guard count > 0 else { throw BenchmarkFailure("\(name) ended instead of printing a line") }
            unread += bytes[..<count]
        }
    }

    /// Asks it to stop, as an operator would, and expects it to do so well.
    func terminate(withinSeconds seconds: Int) throws {
        kill(pid, SIGTERM)
        try waitForSuccess(withinSeconds: seconds)
    }

    /// All lines until its standard output ends, and then its success.
    func outputOfSuccess(withinSeconds seconds: Int) throws -> [String] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var bytes: [UInt8] = unread
        unread = []
        while true {
            let left = (deadline - .now) / .milliseconds(1)
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&descriptor, 1, Int32(left.rounded(.up))) > 0 else {
                throw BenchmarkFailure("\(name) did not end within \(seconds) s")
            }
            var more = [UInt8](repeating: 0, count: 65_536)
            let count = read(output, &more, more.count)
            guard count > 0 else { break }
            bytes += more[..<count]
        }
        try waitForSuccess(withinSeconds: 10)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func waitForSuccess(withinSeconds seconds: Int) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while isRunning {
            guard .now < deadline else { throw BenchmarkFailure("\(name) did not end within \(seconds) s") }
            usleep(2_000)
        }
        guard exitStatus == 0 else { throw BenchmarkFailure("\(name) ended with wait status \(exitStatus ?? -1)") }
    }
}

extension ChildProcess {
    /// The port of the line, the first one, by which a server says where it listens.
    func servingPort(after prefix: String, withinSeconds seconds: Int) throws -> Int {
        let line = try line(withinSeconds: seconds)
        guard line.hasPrefix(prefix), let port = Int(line.dropFirst(prefix.count)) else {
            throw BenchmarkFailure("expected “\(prefix)PORT”, got “\(line)”")
        }
        return port
    }

    func decodedLine<Value: Decodable>(as type: Value.Type, withinSeconds seconds: Int) throws -> Value {
        let line = try line(withinSeconds: seconds)
        do {
            return try JSONDecoder().decode(type, from: Data(line.utf8))
        } catch {
            throw BenchmarkFailure("cannot read this as \(type): \(line)")
        }
    }
}
