/// Text without Unicode "other" characters: AWS's pattern `[^\p{C}]+`.
package enum PrintableText {
    package static func check(_ bytes: RawSpan, field: String, scalarCountMax: Int) throws(InvalidField) {
        if isPrintableASCII(bytes) {
            guard bytes.byteCount <= scalarCountMax else { throw tooLong(field, bytes.byteCount, scalarCountMax) }
            return
        }
        guard let text = validatedString(bytes) else { throw InvalidField(field, "is not valid UTF-8") }
        var scalarCount = 0
        for scalar in text.unicodeScalars {
            scalarCount += 1
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned:
                let value = String(scalar.value, radix: 16, uppercase: true)
                throw InvalidField(field, "has U+\(value), a control or unassigned character")
            default: continue
            }
        }
        guard scalarCount <= scalarCountMax else { throw tooLong(field, scalarCount, scalarCountMax) }
    }

    /// The bytes as a string; nothing if they are not UTF-8.
    package static func validatedString(_ bytes: RawSpan) -> String? {
        bytes.withUnsafeBytes { String(validating: $0.bindMemory(to: UInt8.self), as: UTF8.self) }
    }

    package static func isUTF8(_ bytes: RawSpan) -> Bool {
        isASCII(bytes) || validatedString(bytes) != nil
    }

    /// Eight bytes at a time: every reply's texts pass here.
    package static func isASCII(_ bytes: RawSpan) -> Bool {
        var seen: UInt64 = 0
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            seen |= bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < bytes.byteCount {
            seen |= UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            offset += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    /// Whether every byte is from 0x20 to 0x7E; eight at a time, none of which reaches into its neighbour.
    private static func isPrintableASCII(_ bytes: RawSpan) -> Bool {
        let high: UInt64 = 0x8080_8080_8080_8080
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let isFrom0x20 = ((word | high) &- 0x2020_2020_2020_2020) & high == high
            guard word & high == 0, isFrom0x20, (word &+ 0x0101_0101_0101_0101) & high == 0 else { return false }
            offset += 8
        }
        while offset < bytes.byteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            if byte < 0x20 || byte > 0x7E { return false }
            offset += 1
        }
        return true
    }

    private static func tooLong(_ field: String, _ count: Int, _ limit: Int) -> InvalidField {
        InvalidField(field, "has \(count) characters, the limit is \(limit)")
    }
}
