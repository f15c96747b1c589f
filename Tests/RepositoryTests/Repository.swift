import Foundation

/// The tree that this test was compiled from.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }

    /// Swift files below a folder, their paths from the root on.
    static func swiftFiles(_ folder: String) -> [SourceFile] {
        let start = root.appending(path: folder)
        guard let walker = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else { return [] }
        var files: [SourceFile] = []
        for case let url as URL in walker where url.pathExtension == "swift" {
            let path = String(url.path().dropFirst(root.path().count))
            files.append(SourceFile(path: path, lines: text(path).components(separatedBy: "\n")))
        }
        return files.sorted { $0.path < $1.path }
    }
}

struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    /// The lines without what stands in comments and texts, so that words there do not count.
    let code: [String]

    init(path: String, lines: [String]) {
        self.path = path
        self.lines = lines
        var isInText = false
        code = lines.map { line in
            if line.components(separatedBy: "\"\"\"").count.isMultiple(of: 2) {
                isInText.toggle()
                return ""
            }
            return isInText ? "" : Self.code(of: line)
        }
    }

    /// The module's name: the folder below Sources or Tests.
    var module: String { String(path.split(separator: "/").dropFirst().first ?? "") }

    private static func code(of line: String) -> String {
        guard line.utf8.contains(UInt8(ascii: "\"")) || line.utf8.contains(UInt8(ascii: "/")) else { return line }
        var result: [UInt8] = []
        var isInText = false
        var previous = UInt8(ascii: " ")
        for byte in line.utf8 {
            if byte == UInt8(ascii: "\""), previous != UInt8(ascii: "\\") { isInText.toggle() }
            if !isInText, byte == UInt8(ascii: "/"), previous == byte {
                return String(decoding: result.dropLast(), as: UTF8.self)
            }
            if !isInText, byte != UInt8(ascii: "\"") { result.append(byte) }
            previous = previous == UInt8(ascii: "\\") ? UInt8(ascii: " ") : byte
        }
        return String(decoding: result, as: UTF8.self)
    }
}
