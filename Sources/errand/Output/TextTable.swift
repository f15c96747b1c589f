/// Rows in aligned columns. A long table is printed as it grows: its first rows decide the widths.
struct TextTable {
    enum Alignment {
        case left
        case right
    }

    private let header: [String]
    private let alignments: [Alignment]
    private var widths: [Int] = []
    private var waiting: [[String]] = []

    private static let rowsThatDecideWidths = 250

    init(_ columns: [(title: String, alignment: Alignment)]) {
        header = columns.map(\.title)
        alignments = columns.map(\.alignment)
    }

    /// Returns the lines that can be printed now.
    mutating func add(_ row: [String]) -> [String] {
        guard widths.isEmpty else { return [line(row)] }
        waiting.append(row)
        return waiting.count < Self.rowsThatDecideWidths ? [] : finish()
    }

    /// Returns the lines that are left.
    mutating func finish() -> [String] {
        guard widths.isEmpty else { return [] }
        let rows = [header] + waiting
        widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        waiting = []
        return rows.map(line)
    }

    private func line(_ row: [String]) -> String {
        var text = ""
        for (column, cell) in row.enumerated() {
            let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
            if column > 0 { text += "  " }
            switch alignments[column] {
            case .right: text += padding + cell
            case .left: text += column == row.count - 1 ? cell : cell + padding
            }
        }
        return text
    }

    /// Names and values, one pair a line.
    static func pairs(_ pairs: [(String, String)], indent: Int = 0) -> [String] {
        let width = pairs.map(\.0.count).max() ?? 0
        let margin = String(repeating: " ", count: indent)
        return pairs.map { name, value in
            margin + name + String(repeating: " ", count: width - name.count) + "  " + value
        }
    }
}
