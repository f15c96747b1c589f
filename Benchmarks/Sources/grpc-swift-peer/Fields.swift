import GRPCCore

/// Writes fields in protobuf's wire format.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(256) }

    mutating func number(_ number: Int, _ value: UInt64) {
        varint(UInt64(number) << 3)
        varint(value)
    }

    mutating func text(_ number: Int, _ value: String) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(value.utf8.count))
        bytes += value.utf8
    }

    mutating func message(_ number: Int, _ value: FieldWriter) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(value.bytes.count))
        bytes += value.bytes
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads them; a message that is cut short is an error.
struct FieldReader {
    enum Field {
        case number(Int, UInt64)
        case bytes(Int, UnsafeRawBufferPointer)
    }

    private let buffer: UnsafeRawBufferPointer
    private var position = 0

    init(_ buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

    mutating func next() throws -> Field? {
        guard position < buffer.count else { return nil }
        let tag = try varint()
        switch tag & 7 {
        case 0: return .number(Int(tag >> 3), try varint())
        case 2:
            let count = Int(truncatingIfNeeded: try varint())
            guard count >= 0, count <= buffer.count - position else { throw Self.malformed }
            defer { position += count }
            return .bytes(Int(tag >> 3), UnsafeRawBufferPointer(rebasing: buffer[position..<position + count]))
        default: throw Self.malformed
        }
    }

    private static var malformed: RPCError { RPCError(code: .invalidArgument, message: "malformed message") }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < buffer.count else { throw Self.malformed }
            let byte = buffer[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Self.malformed
    }
}
