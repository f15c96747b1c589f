import ErrandCore

/// Numbers in as few bytes as they need: seven bits a byte, the lowest first, the last without the high bit.
extension ContiguousArray<UInt8> {
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(word value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) as StrideTo<UInt64> {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    static func varintByteCount(_ value: UInt64) -> Int { Swift.max(1, (70 - value.leadingZeroBitCount) / 7) }
}

/// Reads what was appended above.
struct CompactReader {
    private let bytes: ContiguousArray<UInt8>
    private(set) var offset: Int

    init(_ bytes: ContiguousArray<UInt8>, at offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func byte() -> UInt8 {
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func word() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 8) as StrideTo<UInt64> { value |= UInt64(byte()) << shift }
        return value
    }

    mutating func time(since base: Int64) -> Int64 {
        let (time, overflows) = base.addingReportingOverflow(Int64(clamping: varint()))
        return overflows ? Int64.max : time
    }

    /// The pairs that reach from here to `end`.
    mutating func details(count: Int, to end: Int) -> StatusDetails {
        defer { offset = end }
        return StatusDetails(stored: Array(bytes[offset..<end]), count: count)
    }

    mutating func skip(to end: Int) { offset = end }
}
