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

/// A few numbers on their way into an array, which then grows once and not for every byte.
struct CompactBytes {
    /// Room for five numbers of ten bytes, more than any entry has.
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private(set) var count = 0

    mutating func append(_ byte: UInt8) {
        bytes[count] = byte
        count += 1
    }

    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    fileprivate var span: RawSpan {
        @_lifetime(borrow self)
        get { bytes.span.bytes.extracting(first: count) }
    }
}

extension ContiguousArray<UInt8> {
    mutating func append(_ compact: borrowing CompactBytes) { append(copying: compact.span) }
}

/// Bytes that are read one after the other.
protocol CompactSource: ~Escapable {
    mutating func byte() -> UInt8
}

extension CompactSource where Self: ~Escapable {
    @inline(__always)
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
}

/// Reads what was appended above.
struct CompactReader: CompactSource {
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

/// Looks through bytes that come from a file, before anything is read from them without looking at its bounds again.
/// Behind the end there are zeros, until it is found out that the end was passed.
struct CompactCheck: CompactSource, ~Escapable {
    private let bytes: RawSpan
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    @inline(__always)
    mutating func byte() -> UInt8 {
        defer { offset += 1 }
        // Inside of the bounds, which were looked at just now.
        return offset < bytes.byteCount ? bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) : 0
    }

    mutating func skip(to offset: Int) { self.offset = offset }

    /// Whether there are so many entries from here to the end, each under its byte count. `fields` reads those of an entry
    /// that stand between its `fixedByteCount` first bytes and its details, and returns how many pairs these have.
    @inline(__always)
    mutating func isSequence(
        count: Int, fixedByteCount: Int, _ fields: (inout CompactCheck) -> UInt8
    ) -> Bool {
        for _ in 0..<count {
            guard offset < bytes.byteCount else { return false }
            let byteCount = varint()
            guard byteCount <= UInt64(max(0, bytes.byteCount - offset)) else { return false }
            let end = offset + Int(byteCount)
            offset += fixedByteCount
            guard offset <= end else { return false }
            let pairCount = fields(&self)
            guard offset <= end else { return false }
            var texts = 2 * Int(pairCount)
            while texts > 0, end - offset >= 2 {
                let textByteCount = Int(byte()) | Int(byte()) << 8
                offset += textByteCount
                texts -= 1
            }
            guard texts == 0, offset == end else { return false }
        }
        return offset == bytes.byteCount
    }
}
