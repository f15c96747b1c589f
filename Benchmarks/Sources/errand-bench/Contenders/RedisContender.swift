import Foundation

/// redis-server and redis-benchmark of Debian's packages, which counts the replies and does not look into them: so the
/// server is asked afterwards whether every key was found.
struct RedisContender: Contender {
    enum Command: String { case get, set }

    var command: Command
    /// Each write waits for the disk: appendfsync always.
    var isDurable = false
    var name: String { isDurable ? "Redis SET, fsync always" : "Redis \(command.rawValue.uppercased())" }

    private static let keyCount = 100_000
    private static let valueByteCount = 250
    private static let package = "redis-server"

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let port = try Tools.freePort()
        let server = try start(port, bench)
        try awaitAnswer(port)
        if command == .get { try fill(port) }
        // The first run is the warm-up, and says how many calls make the wanted time.
        let warm = try run(shape, calls: 200_000, port, bench)
        let count = Int(warm.callsPerSecond * Double(bench.timing.measuredSeconds))
        let missesBefore = try misses(port)
        let result = try run(shape, calls: count, port, bench)
        guard try misses(port) == missesBefore else { throw BenchmarkFailure("Redis did not find every key") }
        try server.terminate(withinSeconds: 20)
        return result
    }

    private func start(_ port: Int, _ bench: Bench) throws -> ChildProcess {
        let folder = try PackageFolder.scratch("redis", isEmptied: true)
        var arguments = [
            "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--loglevel", "warning",
        ]
        if isDurable {
            arguments += ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]
        }
        return try bench.start(path: Tools.path(of: "redis-server", package: Self.package), arguments)
    }

    private func command(_ port: Int, _ words: String...) throws -> [String] {
        let process = try ChildProcess(
            Tools.path(of: "redis-cli", package: "redis-tools"), ["-p", "\(port)"] + words)
        return try process.outputOfSuccess(withinSeconds: 30)
    }

    private func awaitAnswer(_ port: Int) throws {
        for _ in 0..<100 {
            usleep(50_000)
            if let answer = try? command(port, "ping"), answer == ["PONG"] { return }
        }
        throw BenchmarkFailure("redis-server does not answer")
    }

    private func fill(_ port: Int) throws {
        let script = """
            local value = string.rep('x', \(Self.valueByteCount))
            for i = 0, \(Self.keyCount - 1) do redis.call('SET', string.format('key:%012d', i), value) end
            return redis.call('DBSIZE')
            """
        guard try command(port, "eval", script, "0") == ["\(Self.keyCount)"] else {
            throw BenchmarkFailure("Redis was not filled")
        }
    }

    private func misses(_ port: Int) throws -> String {
        try command(port, "info", "stats").first { $0.hasPrefix("keyspace_misses") } ?? ""
    }

    private func run(_ shape: LoadShape, calls: Int, _ port: Int, _ bench: Bench) throws -> LoadResult {
        let load = try bench.start(
            path: Tools.path(of: "redis-benchmark", package: "redis-tools"),
            [
                "-p", "\(port)", "-t", command.rawValue, "-P", "\(shape.inFlight)", "-c", "\(shape.connections)", "-d",
                "\(Self.valueByteCount)", "-r", "\(Self.keyCount)", "-n", "\(calls)", "--csv",
            ])
        let lines = try load.outputOfSuccess(withinSeconds: bench.timing.patienceSeconds * 3)
        let columns = lines.last?.replacing("\"", with: "").split(separator: ",").compactMap { Double($0) } ?? []
        // rps, average, least, p50, p95, p99, most; in milliseconds.
        guard columns.count == 7 else { throw BenchmarkFailure("redis-benchmark printed \(lines.last ?? "nothing")") }
        let micros = columns.dropFirst().map { $0 * 1000 }
        return LoadResult(
            calls: Double(calls), seconds: Double(calls) / columns[0], callsPerSecond: columns[0],
            p50Microseconds: micros[2], p99Microseconds: micros[4],
            percentiles: [[0, micros[1]], [50, micros[2]], [95, micros[3]], [99, micros[4]], [100, micros[5]]],
            requestBytes: 0, replyBytes: 0, connections: shape.connections, inFlight: shape.inFlight)
    }
}
