import Foundation

/// SPEC.md, taken apart: its tables, its layouts and its examples.
struct Specification {
    struct Table {
        var section: String
        var columns: [String]
        var rows: [[String]]

        func column(_ name: String) -> Int? { columns.firstIndex(of: name) }
    }

    struct Field: Equatable {
        var offset: Int
        var byteCount: Int
        var presenceBit: Int?
    }

    /// Where a root block holds a job configuration (8.6), and the presence bits of its parts by name.
    struct Block: Equatable {
        var offset: Int
        var presenceBits: [String: Int]
    }

    /// A root block or header: how long it is and where its fields are; reserved ones and the presence left out.
    struct Layout {
        var byteCount: Int
        var fields: [String: Field]
        var block: Block?
    }

    struct Example {
        var file: String
        var name: String
        var hex: String
    }

    /// Read once; a debug build takes a while for it.
    static let ofRepository = Specification(Repository.text("Protocol/SPEC.md"))

    let text: String
    private(set) var tables: [Table] = []
    /// By section and kind, such as `9.3 Reply root`.
    private(set) var layouts: [String: Layout] = [:]

    /// Presence bits of variable fields, in the order of the text, by section and field, such as `9.11 nextToken`.
    private(set) var variableBits: [String: [Int]] = [:]

    static let byteCounts = ["u8": 1, "bool": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8, "key": 16]

    init(_ text: String) {
        self.text = text
        var section = ""
        var lastLayout: String?
        var isInTable = false
        for line in text.components(separatedBy: "\n") {
            if let heading = line.wholeMatch(of: /#+ ([0-9]+(?:\.[0-9]+)?) .*/) {
                section = String(heading.1)
                lastLayout = nil
            }
            if line.hasPrefix("|") {
                addRow(line, section, isFirst: !isInTable)
                isInTable = true
                continue
            }
            if isInTable { endTable(&lastLayout) }
            isInTable = false
            addLayouts(line, section, &lastLayout)
        }
    }

    private mutating func addRow(_ line: String, _ section: String, isFirst: Bool) {
        let cells = line.dropFirst().dropLast().components(separatedBy: "|")
            .map { $0.trimmingCharacters(in: .whitespaces) }
        if isFirst {
            tables.append(Table(section: section, columns: cells, rows: []))
        } else if !cells.allSatisfy({ $0.allSatisfy { $0 == "-" } }) {
            tables[tables.count - 1].rows.append(cells)
        }
    }

    /// Gives the table just read to the layout that was announced before it.
    private mutating func endTable(_ layout: inout String?) {
        guard let table = tables.last, table.columns.first == "offset", let name = layout else { return }
        for row in table.rows {
            guard let offset = Int(row[0]) else { continue }
            if row[1] == "block" {
                let bits = row[3].matches(of: /([a-zA-Z]+) bit ([0-9]+)/).map { (String($0.1), Int($0.2) ?? 0) }
                layouts[name]?.block = Block(offset: offset, presenceBits: Dictionary(uniqueKeysWithValues: bits))
            }
            guard let byteCount = Self.byteCounts[row[1]] else { continue }
            guard row[2] != "reserved", row[2] != "presence" else { continue }
            let bit = row.count > 3 ? row[3].wholeMatch(of: /bit ([0-9]+)/).flatMap { Int($0.1) } : nil
            layouts[name]?.fields[row[2]] = Field(offset: offset, byteCount: byteCount, presenceBit: bit)
        }
        layout = nil
    }

    private mutating func addLayouts(_ line: String, _ section: String, _ last: inout String?) {
        for match in line.matches(of: /`[a-z0-9]+` ([a-zA-Z]+) \(presence bit ([0-9]+)/) {
            variableBits["\(section) \(match.1)", default: []].append(Int(match.2) ?? 0)
        }
        for match in line.matches(
            of: /(Header|header of|Root block|A block of|Request root|Reply root|Record root),? ([0-9]+) bytes/)
        {
            let name = "\(section) \(match.1)"
            layouts[name] = Layout(byteCount: Int(match.2) ?? 0, fields: [:])
            last = name
            let rest = line[match.range.upperBound...]
            let end = rest.range(of: ". ")?.lowerBound ?? rest.range(of: "),")?.lowerBound ?? rest.endIndex
            addInline(String(rest[..<end]), to: name)
        }
    }

    /// Fields that stand in the text, such as "`u32` presence, `u32` count".
    private mutating func addInline(_ text: String, to name: String) {
        var offset = 0
        for match in text.matches(of: /`(u8|u16|u32|u64|i64)` ([a-zA-Z]+)/) {
            let byteCount = Self.byteCounts[String(match.1)] ?? 0
            let field = String(match.2)
            if field != "reserved", field != "presence" {
                layouts[name]?.fields[field] = Field(offset: offset, byteCount: byteCount, presenceBit: nil)
            }
            offset += byteCount
        }
    }

    var examples: [Example] {
        text.matches(of: /- Example \(`(.+?)`, `(.+?)`\): `([0-9a-f]+)`/).map {
            Example(file: String($0.1), name: String($0.2), hex: String($0.3))
        }
    }

    func table(_ section: String, _ firstColumn: String) -> Table? {
        tables.first { $0.section == section && $0.columns.first == firstColumn }
    }
}
