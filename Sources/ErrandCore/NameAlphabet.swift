/// The characters that names may have: letters, digits, `_`, `-`, and for things and detail keys `:`.
package enum NameAlphabet {
    /// One bit for each byte below 128: whether it is a letter, a digit, `_` or `-`.
    private static let low: UInt64 = 0x03FF_2000_0000_0000
    private static let high: UInt64 = 0x07FF_FFFE_87FF_FFFE

    package static func firstForbidden(in bytes: RawSpan, allowsColon: Bool) -> UInt8? {
        let low = allowsColon ? Self.low | 1 << UInt64(UInt8(ascii: ":")) : Self.low
        for offset in 0..<bytes.byteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            let bits = byte < 64 ? low : byte < 128 ? Self.high : 0
            if bits >> UInt64(byte & 63) & 1 == 0 { return byte }
        }
        return nil
    }

    /// Throws unless `bytes` are a name: 1 to `byteCountMax` characters of the alphabet.
    package static func check(
        _ bytes: RawSpan, field: String, byteCountMax: Int, allowsColon: Bool
    ) throws(InvalidField) {
        guard bytes.byteCount > 0 else { throw InvalidField(field, "is empty") }
        guard bytes.byteCount <= byteCountMax else {
            throw InvalidField(field, "has \(bytes.byteCount) bytes, the limit is \(byteCountMax)")
        }
        if let byte = firstForbidden(in: bytes, allowsColon: allowsColon) {
            let allowed = allowsColon ? "letters, digits, ':', '_' and '-'" : "letters, digits, '_' and '-'"
            throw InvalidField(field, "has the byte 0x\(String(byte, radix: 16)); allowed are \(allowed)")
        }
    }
}
