extension RawSpan {
    @inlinable
    package func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var offset = 0
        while byteCount - offset >= 8 {
            let word = unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word != other.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) { return false }
            offset += 8
        }
        if offset > 0, offset < byteCount {
            // The last eight, of which some have been compared already.
            let word = unsafeLoadUnaligned(fromByteOffset: byteCount - 8, as: UInt64.self)
            return word == other.unsafeLoadUnaligned(fromByteOffset: byteCount - 8, as: UInt64.self)
        }
        while offset < byteCount {
            let byte = unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            if byte != other.unsafeLoad(fromByteOffset: offset, as: UInt8.self) { return false }
            offset += 1
        }
        return true
    }
}
