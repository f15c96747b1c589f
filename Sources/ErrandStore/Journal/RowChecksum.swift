internal import CZlib

/// zlib's CRC-32 over the key columns, as little-endian integers, and then the bytes of a row.
struct RowChecksum {
    private var state: uLong = 0

    init() {}

    init(_ key: Int64) { add(key) }

    init(_ first: Int64, _ second: Int64) {
        add(first)
        add(second)
    }

    mutating func add(_ integer: Int64) {
        withUnsafeBytes(of: integer.littleEndian) {
            // zlib reads the eight bytes during the call only.
            state = crc32(state, $0.bindMemory(to: UInt8.self).baseAddress, 8)
        }
    }

    mutating func add(_ bytes: RawSpan) {
        bytes.withUnsafeBytes {
            // Without an address zlib would answer its initial value and forget the rest.
            guard let base = $0.bindMemory(to: UInt8.self).baseAddress else { return }
            // zlib reads the buffer during the call only.
            state = crc32_z(state, base, z_size_t($0.count))
        }
    }

    /// The length too, so that bytes cannot move between a text and what follows it.
    mutating func add(text: RawSpan) {
        add(Int64(text.byteCount))
        add(text)
    }

    var value: Int64 { Int64(truncatingIfNeeded: state) }
}
