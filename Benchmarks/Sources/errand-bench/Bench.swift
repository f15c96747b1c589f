/// What every row is given: the binaries, how long and how often to measure, and a record of what was run.
final class Bench {
    let siblings: Siblings
    var timing: Timing
    let roundCount: Int
    private(set) var commandsRun: [String] = []
    private var guardian: KeepAwake?
    private var features: ServeFeatures?
    private var cppBuild: Result<String, any Error>?
    private var bestShapes: [String: LoadShape] = [:]
    private var sharedRounds: [String: Alternation<Measurement>] = [:]

    init(siblings: Siblings, timing: Timing, roundCount: Int, keepsAwake: Bool) throws {
        self.siblings = siblings
        self.timing = timing
        self.roundCount = roundCount
        // It stops when its standard input closes, at the latest with this process.
        guardian = keepsAwake ? try KeepAwake(siblings: siblings) : nil
    }

    /// How CPUs are kept from halting; nothing if they may halt.
    var awakeMeans: String? { guardian?.means }

    func finish() throws { try guardian?.stop() }

    /// Starts one of the siblings and remembers its command line for the report; ports differ per run and are left out.
    func start(
        _ binary: Siblings.Binary, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try start(path: siblings.path(of: binary), arguments, environment: environment)
    }

    func start(path: String, _ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        remember(([name] + arguments.map { $0.isEmpty ? "''" : $0 }).joined(separator: " "))
        return try ChildProcess(path, arguments, environment: environment)
    }

    private func remember(_ command: String) {
        let shown = command.replacing(/(--port|-p) \d+/, with: { "\($0.1) PORT" })
            .replacing(/127\.0\.0\.1:[1-9]\d*/, with: "127.0.0.1:PORT")
            .replacing(PackageFolder.root, with: "Benchmarks")
        if !commandsRun.contains(shown) { commandsRun.append(shown) }
    }

    /// Lets idle CPUs halt while `body` runs.
    func withHaltingCPUs<Value>(_ body: () throws -> Value) throws -> Value {
        let wasAwake = guardian != nil
        try guardian?.stop()
        guardian = nil
        defer { if wasAwake { guardian = try? KeepAwake(siblings: siblings) } }
        return try body()
    }

    func withTiming<Value>(_ other: Timing, _ body: () throws -> Value) rethrows -> Value {
        let usual = timing
        timing = other
        defer { timing = usual }
        return try body()
    }

    func serveFeatures() throws -> ServeFeatures {
        if let features { return features }
        let help = try ChildProcess(siblings.path(of: .errand), ["serve", "--help"])
        let found = ServeFeatures(try help.outputOfSuccess(withinSeconds: 10))
        features = found
        return found
    }

    func grpcCppFolder() throws -> String {
        let build = cppBuild ?? Result { try GRPCCppContender.build() }
        cppBuild = build
        return try build.get()
    }

    /// The shape at which a contender does most calls, found once a run with short trials.
    func best(of contender: any Contender, among shapes: [LoadShape], key: String) throws -> LoadShape {
        if let shape = bestShapes[key] { return shape }
        var best: (shape: LoadShape, rate: Double)?
        for shape in shapes {
            let rate = try withTiming(.trial) { try contender.measure(shape, with: self).callsPerSecond }
            note("  \(key), trial of \(shape.connections) × \(shape.inFlight): \(Report.figure(rate)) calls/s")
            if rate > best?.rate ?? 0 { best = (shape, rate) }
        }
        guard let best else { throw BenchmarkFailure("nothing to choose from for \(key)") }
        bestShapes[key] = best.shape
        return best.shape
    }

    /// Rounds that several rows look at are measured once.
    func shared(
        _ key: String, _ measure: () throws -> Alternation<Measurement>
    ) throws -> Alternation<Measurement> {
        if let rounds = sharedRounds[key] { return rounds }
        let rounds = try measure()
        sharedRounds[key] = rounds
        return rounds
    }
}

struct Timing {
    let warmupSeconds: Int
    let measuredSeconds: Int

    static let full = Timing(warmupSeconds: 1, measuredSeconds: 3)
    static let quick = Timing(warmupSeconds: 1, measuredSeconds: 1)
    static let trial = Timing(warmupSeconds: 1, measuredSeconds: 1)
}

/// A failure that spoils a row: its message names what was expected of whom.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Something that cannot be measured here, or not by this version. Not a failure, and never a figure.
struct NotMeasuredYet: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
