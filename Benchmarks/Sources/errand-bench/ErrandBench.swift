import ArgumentParser
import Foundation

@main
struct ErrandBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errand-bench",
        abstract: "Measures Errand against what bounds it, in turns, on this machine.",
        discussion: "Uses the loopback only, stops what it starts, builds nothing: `swift build -c release` first.")

    @Option(help: "Rows to measure, such as S1,S2. Default: all there are.")
    var only: String?

    @Flag(help: "Two short rounds: does everything run? No figure to quote.")
    var quick = false

    @Option(help: "Rounds of each row.")
    var rounds: Int?

    @Flag(help: "Let idle CPUs halt. Only compare such figures with each other.")
    var halting = false

    @Option(help: "Also write the results as JSON to this file (- for standard output, without the table).")
    var json: String?

    func validate() throws {
        if let rounds, !(1...100).contains(rounds) { throw ValidationError("--rounds must be 1 to 100") }
        _ = try chosenRows()
    }

    func run() throws {
        try refuseDebugBuild()
        let siblings = try Siblings()
        let bench = Bench(
            siblings: siblings, timing: quick ? .quick : .full, roundCount: rounds ?? (quick ? 2 : 5))
        let machine = Machine.current(isKeptAwake: !halting)
        let commit = Commit.current(near: siblings.folder)

        // Held until the end: it stops when its standard input closes, at the latest with this process.
        let guardian = halting ? nil : try KeepAwake(siblings: siblings)
        var results: [RowResult] = []
        for row in try chosenRows() {
            note("\(row.id): \(row.what)")
            results.append(row.measure(with: bench))
        }
        try guardian?.stop()

        let report = Report(
            commit: commit, machine: machine, isQuick: quick, commands: bench.commandsRun, rows: results)
        try report.write(json: json)
        // A row that is missed or not measured yet is a result; a row that broke is not.
        if results.contains(where: \.isBroken) { throw ExitCode.failure }
    }

    private func chosenRows() throws -> [any BenchmarkRow] {
        guard let only else { return allRows }
        return try only.split(separator: ",").map { id in
            guard let row = allRows.first(where: { $0.id.lowercased() == id.lowercased() }) else {
                throw ValidationError("no row \(id); there are \(allRows.map(\.id).joined(separator: ", "))")
            }
            return row
        }
    }

    private func refuseDebugBuild() throws {
        #if DEBUG
            throw ValidationError("a debug build's figures mean nothing: build with `swift build -c release`")
        #endif
    }
}

/// Progress goes to standard error, so that standard output holds results only.
func note(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
