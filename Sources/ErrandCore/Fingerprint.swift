/// A 64-bit digest of a request's fields: the same on every server and after every start, unlike Swift's own hashes.
///
/// For each word of 8 bytes (little-endian, the last padded with zeros): `h = rotateLeft(h ^ word, 29) * 0x9E3779B97F4A7C15`.
/// A text is its length, then its bytes; an optional is 0, or 1 and its value. `value` mixes the bits once more.
/// It tells an honest repeat from a mistake; it is no defence against somebody who searches for a collision.
package struct Fingerprint {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// `call` tells requests of different kinds with the same fields apart.
    package init(call: UInt64) { combine(call) }

    package mutating func combine(_ word: UInt64) {
        let mixed = hash ^ word
        hash = (mixed << 29 | mixed >> 35) &* 0x9E37_79B9_7F4A_7C15
    }

    package mutating func combine(_ flag: Bool) { combine(flag ? 1 : 0 as UInt64) }

    package mutating func combine(_ number: Int64?) {
        combine(number != nil)
        if let number { combine(UInt64(bitPattern: number)) }
    }

    package mutating func combine(_ bytes: RawSpan) {
        combine(UInt64(bytes.byteCount))
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            combine(UInt64(littleEndian: word))
            offset += 8
        }
        guard offset < bytes.byteCount else { return }
        var last: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.byteCount {
            last |= UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)) << shift
            shift += 8
            offset += 1
        }
        combine(last)
    }

    package mutating func combine(_ text: String?) {
        combine(text != nil)
        guard var text else { return }
        text.makeContiguousUTF8()
        combine(text.utf8Span.span.bytes)
    }

    package mutating func combine(_ details: StatusDetails?) {
        combine(details != nil)
        guard let details else { return }
        combine(UInt64(details.count))
        combine(details.flat.span.bytes)
    }

    package var value: UInt64 {
        var value = hash
        value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ value >> 33
    }
}
