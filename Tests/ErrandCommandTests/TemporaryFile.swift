import Glibc
import Testing

/// A file with some text that goes away with its owner.
struct TemporaryFile: ~Copyable {
    let path: String

    init(_ text: String) throws { try self.init(Array(text.utf8)) }

    init(_ bytes: [UInt8]) throws {
        path = try Self.write(bytes)
    }

    private static func write(_ bytes: [UInt8]) throws -> String {
        var template = Array("/tmp/errand-test-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { unlink(path) }
}
