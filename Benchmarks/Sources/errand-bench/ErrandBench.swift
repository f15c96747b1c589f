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

    @Flag(help: "Print one JSON object instead of the table.")
    var json = false

    @Option(
        help:
            "Where to write the results as JSON, Markdown and SVG. Default: Results, if all rows are measured in full.")
    var results: String?

    @Flag(help: "Measure how it grows instead: with connections, executions and watchers.")
    var growth = false

    func validate() throws {
        if let rounds, !(1...100).contains(rounds) { throw ValidationError("--rounds must be 1 to 100") }
        _ = try chosenRows()
    }

    func run() throws {
        try refuseDebugBuild()
        let siblings = try Siblings()
        let bench = try Bench(
            siblings: siblings, timing: quick ? .quick : .full, roundCount: rounds ?? (quick ? 2 : 5),
            keepsAwake: !halting)
        let machine = Machine.current(keptAwake: bench.awakeMeans)
        let commit = Commit.current(near: siblings.folder)
        if growth {
            try measureGrowth(bench, commit, machine)
        } else {
            try measureRows(bench, commit, machine)
        }
    }

    private func measureRows(_ bench: Bench, _ commit: String, _ machine: Machine) throws {
        var rows: [RowResult] = []
        for row in try chosenRows() {
            note("\(row.id): \(row.what)")
            let result = row.measure(with: bench)
            if result.status != "measured" { note("  \(result.status)") }
            rows.append(result)
        }
        let folder = results ?? (only == nil && !quick ? PackageFolder.root + "/Results" : nil)
        let sweep = folder == nil ? nil : measureSweep(bench)
        try bench.finish()

        let report = Report(
            commit: commit, date: Report.today, machine: machine, isQuick: quick, commands: bench.commandsRun,
            rows: rows,
            sweep: sweep)
        try report.print(asJSON: json)
        if let folder { try report.write(to: folder) }
        // A row that is missed or not measured yet is a result; a row that broke is not.
        if rows.contains(where: \.isBroken) { throw ExitCode.failure }
    }

    /// Without it there is no picture of it, but still a table.
    private func measureSweep(_ bench: Bench) -> Sweep? {
        do {
            return try Sweep.measure(with: bench)
        } catch {
            note("no pictures: \(error)")
            return nil
        }
    }

    private func measureGrowth(_ bench: Bench, _ commit: String, _ machine: Machine) throws {
        let growth = try Growth.measure(with: bench, isQuick: quick)
        try bench.finish()
        let report = GrowthReport(commit: commit, date: Report.today, machine: machine, isQuick: quick, growth: growth)
        try report.print(asJSON: json)
        if let folder = results ?? (quick ? nil : PackageFolder.root + "/Results") { try report.write(to: folder) }
    }

    private func chosenRows() throws -> [any BenchmarkRow] {
        guard let only else { return allRows }
        // S11 means S11-bytes and S11-rate.
        return try only.split(separator: ",").flatMap { id in
            let rows = allRows.filter { "\($0.id)-".lowercased().hasPrefix("\(id)-".lowercased()) }
            if rows.isEmpty {
                throw ValidationError("no row \(id); there are \(allRows.map(\.id).joined(separator: ", "))")
            }
            return rows
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
