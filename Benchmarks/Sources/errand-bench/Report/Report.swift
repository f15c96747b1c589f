import Foundation

struct Report: Encodable {
    let commit: String
    let machine: Machine
    let isQuick: Bool
    let commands: [String]
    let rows: [RowResult]

    func write(json path: String?) throws {
        if path != "-" { print(table) }
        guard let path else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(self) + Data("\n".utf8)
        if path == "-" {
            FileHandle.standardOutput.write(data)
        } else {
            try data.write(to: URL(fileURLWithPath: path))
        }
    }

    private var table: String {
        var lines = [
            "commit \(commit)",
            "\(machine.cpu), \(machine.cpuCount) CPUs, Linux \(machine.kernel), load \(machine.loadAverageBefore)",
            machine.isKeptAwake ? "CPUs kept from halting, for all sides alike" : "CPUs may halt when idle",
        ]
        if isQuick { lines.append("quick: shows that it runs; no figure to quote") }
        lines += commands.map { "$ " + $0 }
        lines += ["", "| row | what | ours | other | ratio | bar | goal | met |", "|---|---|--:|--:|--:|--:|--:|---|"]
        lines += rows.map(\.tableLine)
        for row in rows where row.rounds.contains(where: \.isDisturbed) {
            let count = row.rounds.count(where: \.isDisturbed)
            lines.append(
                "\(row.id): \(count) of \(row.rounds.count) rounds disturbed: other work, or the host moved the CPUs")
        }
        return lines.joined(separator: "\n")
    }

    /// Three digits: more would claim a precision that no such measurement has.
    static func figure(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return "\(value)" }
        let scale = pow(10, (log10(abs(value))).rounded(.down) - 2)
        let rounded = (value / scale).rounded() * scale
        if rounded < 100 { return String(format: "%.3g", rounded) }
        var digits = String(Int(rounded)), groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    static func ratioText(_ ratio: Double) -> String { String(format: "%.2f", ratio) }
    static func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }
}

extension RowResult {
    fileprivate var tableLine: String {
        let figures = [
            ours.map(Report.figure) ?? "–", other.map { "\(against) \(Report.figure($0))" } ?? "–",
            ratio.map(Report.ratioText) ?? "–", direction.text(bar), direction.text(goal), verdict,
        ]
        return "| " + ([id, "\(what), \(unit)"] + figures).joined(separator: " | ") + " |"
    }

    private var verdict: String {
        guard let met, let goalMet else { return status }
        return goalMet ? "goal" : met ? "bar" : "missed"
    }
}
