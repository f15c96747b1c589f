import Foundation
import Testing

/// One file of Protocol/vectors.
struct VectorFile: Sendable, CustomTestStringConvertible {
    let name: String
    let kind: String
    let groups: [String: [Vector]]

    var testDescription: String { name }

    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Protocol/vectors")

    /// Every file there is, read once; a file that cannot be read is there with no kind and no groups, and so fails.
    static let all: [VectorFile] = {
        let urls = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return urls.sorted { $0.lastPathComponent < $1.lastPathComponent }.map { VectorFile($0) }
    }()

    static func ofKind(_ kind: String) -> [VectorFile] { all.filter { $0.kind == kind } }

    private init(_ url: URL) {
        name = url.lastPathComponent
        guard let data = try? Data(contentsOf: url), let json = try? JSONParser.parse(Array(data)),
            json["format"]?.number == 1, let kind = json["kind"]?.text, let members = json.object
        else {
            kind = ""
            groups = [:]
            return
        }
        self.kind = kind
        groups = members.compactMapValues { $0.array?.map { Vector(json: $0) } }
    }

    func vectors(_ group: String) -> [Vector] { groups[group] ?? [] }
}

struct Vector: Sendable, CustomTestStringConvertible {
    let json: JSONValue

    var name: String { json["name"]?.text ?? "?" }
    var bytes: [UInt8] { json["hex"]?.text.flatMap { unhex($0) } ?? [] }
    var isFromClient: Bool { json["direction"]?.text == "client" }
    var error: String { json["error"]?.text ?? "?" }
    var frames: [[UInt8]] { json["frames"]?.array?.compactMap { $0.text.flatMap { unhex($0) } } ?? [] }
    var testDescription: String { name }
}

/// Runs `body` for each vector and reports those that differ by name, the first 20 of them.
func check(_ vectors: [Vector], _ what: String, _ body: (Vector) -> String?) {
    var failures: [String] = []
    for vector in vectors {
        if let difference = body(vector) { failures.append("\(what) \"\(vector.name)\": \(difference)") }
    }
    for failure in failures.prefix(20) { Issue.record("\(failure)") }
    if failures.count > 20 { Issue.record("and \(failures.count - 20) more") }
}
