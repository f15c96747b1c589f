/// What every row is given: the binaries, how long and how often to measure, and a record of what was run.
final class Bench {
    let siblings: Siblings
    let timing: Timing
    let roundCount: Int
    private(set) var commandsRun: [String] = []

    init(siblings: Siblings, timing: Timing, roundCount: Int) {
        self.siblings = siblings
        self.timing = timing
        self.roundCount = roundCount
    }

    /// Starts one of the siblings and remembers its command line for the report; ports differ per run and are left out.
    func start(_ binary: Siblings.Binary, _ arguments: [String]) throws -> ChildProcess {
        remember(([binary.rawValue] + arguments).joined(separator: " "))
        return try ChildProcess(siblings.path(of: binary), arguments)
    }

    private func remember(_ command: String) {
        let shown = command.replacing(/--port \d+/, with: "--port PORT")
        if !commandsRun.contains(shown) { commandsRun.append(shown) }
    }
}

struct Timing {
    let warmupSeconds: Int
    let measuredSeconds: Int

    static let full = Timing(warmupSeconds: 1, measuredSeconds: 3)
    static let quick = Timing(warmupSeconds: 1, measuredSeconds: 1)
}

/// A failure that spoils a row: its message names what was expected of whom.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Something this version cannot measure at all. Not a failure, and never a figure.
struct NotMeasuredYet: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
