import Foundation

struct Report: Encodable {
    let commit: String
    let date: String
    let machine: Machine
    let isQuick: Bool
    let commands: [String]
    let rows: [RowResult]
    let sweep: Sweep?

    func print(asJSON: Bool) throws {
        if asJSON {
            FileHandle.standardOutput.write(try Self.json(self))
        } else {
            Swift.print(markdown)
        }
    }

    /// Three files named after the day and the commit.
    func write(to folder: String) throws {
        let base = folder + "/\(date)-\(commit)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Self.json(self).write(to: URL(fileURLWithPath: base + ".json"))
        try Data((markdown + "\n").utf8).write(to: URL(fileURLWithPath: base + ".md"))
        if let picture { try Data(picture.svg.utf8).write(to: URL(fileURLWithPath: base + ".svg")) }
        note("written: \(base).{json,md,svg}")
    }

    static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    static var today: String {
        let formatter = DateFormatter()
        formatter.dateFormat = "yyyy-MM-dd"
        formatter.timeZone = TimeZone(identifier: "UTC")
        return formatter.string(from: Date())
    }

    private var markdown: String {
        var lines = [
            "commit \(commit), \(date)  ", machine.line + "  ",
            machine.isKeptAwakeBy.map { "CPUs kept from halting \($0), for all sides alike" }
                ?? "CPUs may halt when idle",
        ]
        if isQuick { lines.append("**quick**: shows that it runs; no figure to quote") }
        lines += [
            "", "| row | what | ours | against | other | ratio | bar | goal | met |",
            "|---|---|--:|---|--:|--:|--:|--:|---|",
        ]
        lines += rows.map(\.tableLine)
        lines.append("")
        for row in rows {
            if row.status != "measured" { lines.append("- \(row.id): \(row.status)") }
            let disturbed = row.rounds.count(where: \.isDisturbed)
            if disturbed > 0 {
                lines.append(
                    "- \(row.id): \(disturbed) of \(row.rounds.count) rounds disturbed: other work, or the host moved the CPUs"
                )
            }
        }
        lines += ["", "```"] + commands.map { "$ " + $0 } + ["```"]
        return lines.joined(separator: "\n")
    }

    /// Three digits: more would claim a precision that no such measurement has.
    static func figure(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return "\(value)" }
        let scale = pow(10, (log10(abs(value))).rounded(.down) - 2)
        let rounded = (value / scale).rounded() * scale
        if abs(rounded) < 100 { return String(format: "%.3g", rounded) }
        var digits = String(Int(rounded)), groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    static func ratioText(_ ratio: Double) -> String {
        ratio == 0 || ratio >= 0.1
            ? String(format: ratio >= 10 ? "%.1f" : "%.2f", ratio) : String(format: "%.2g", ratio)
    }
    static func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }
}

extension RowResult {
    fileprivate var tableLine: String {
        let cells = [
            id, "\(what), \(unit)", ours.map(Report.figure) ?? "–", against, other.map(Report.figure) ?? "–",
            ratio.map(Report.ratioText) ?? "–", direction.text(bar), direction.text(goal), verdict,
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    private var verdict: String {
        guard let met, let goalMet else { return isBroken ? "failed" : "not measured" }
        return goalMet ? "goal" : met ? "bar" : "**missed**"
    }
}
