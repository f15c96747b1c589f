package import ErrandWire
internal import Foundation

/// One vector of `Protocol/vectors`, as far as raw-socket tests need it (CONFORMANCE §1).
package struct Vector: Sendable, CustomStringConvertible {
    package var name: String
    package var bytes: [UInt8]
    package var direction: String
    package var error: String
    package var opcode: String
    package var isReply: Bool
    package var agreed: Agreement
    package var callsSent: [SentCall]

    package struct Agreement: Sendable, Decodable {
        package var zlib = false
        package var checksums = false
        package var segmentByteCountMax: Int?
        package var callsInFlightMax: Int?
        package var bytesInFlightMax: Int?
    }

    package struct SentCall: Sendable, Decodable {
        package var requestId: String
        package var opcode: String
    }

    package var description: String { name }

    /// Of a stream that begins with the magic: where its first whole segment ends, or all of it.
    package var endOfFirstSegment: Int {
        guard bytes.count > 24, Array(bytes[..<8]) == WireLimits.magic else { return bytes.count }
        let payloadByteCount = Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16
        return min(bytes.count, 24 + payloadByteCount)
    }

    /// Whether its fault lies behind the reply to a Watch call.
    package var beginsWatch: Bool {
        error != "UNREQUESTED_REPLY" && callsSent.contains { $0.opcode == Opcode.watch.description }
    }

    package var fault: ConnectionFault? { ConnectionFault.allCases.first { $0.description == error } }
}

/// Reads the vector files; a file that is missing or empty is an error.
package enum VectorFile {
    package struct Unreadable: Error { package var path: String }

    private struct File: Decodable {
        var valid: [Entry]?
        var decode_errors: [Entry]?
    }

    private struct Entry: Decodable {
        var name: String
        var hex: String
        var direction: String?
        var error: String?
        var opcode: String?
        var reply: Bool?
        var agreed: Vector.Agreement?
        var segmentByteCountMax: Int?
        var callsSent: [Vector.SentCall]?
        var item: Int?
    }

    /// The folder `Protocol` of this package.
    package static let folder =
        #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Protocol"

    /// The decode errors of a file; those of single batch items left out, because the call runs.
    package static func decodeErrors(_ file: String) throws -> [Vector] {
        let path = "\(folder)/vectors/\(file).json"
        guard let data = FileManager.default.contents(atPath: path) else { throw Unreadable(path: path) }
        let entries = try JSONDecoder().decode(File.self, from: data).decode_errors ?? []
        guard !entries.isEmpty else { throw Unreadable(path: path) }
        return entries.filter { $0.item == nil }.map { entry in
            var agreed = entry.agreed ?? Vector.Agreement()
            agreed.segmentByteCountMax = agreed.segmentByteCountMax ?? entry.segmentByteCountMax
            return Vector(
                name: entry.name, bytes: bytes(entry.hex), direction: entry.direction ?? "", error: entry.error ?? "",
                opcode: entry.opcode ?? "", isReply: entry.reply ?? false, agreed: agreed,
                callsSent: entry.callsSent ?? [])
        }
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).map { index in
            UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16) ?? 0
        }
    }
}
