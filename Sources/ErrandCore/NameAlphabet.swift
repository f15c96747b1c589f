/// The characters that names may have: letters, digits, `_`, `-`, and for things and detail keys `:`.
package enum NameAlphabet {
    package static func firstForbidden(in bytes: RawSpan, allowsColon: Bool) -> UInt8? {
        for offset in 0..<bytes.byteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                continue
            case UInt8(ascii: ":") where allowsColon:
                continue
            default:
                return byte
            }
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
