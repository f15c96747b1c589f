import ErrandCore

/// Hashes things' names: each 8-byte word times a secret 128-bit number of its place, all summed up, the upper half mixed.
///
/// Whoever names things must not be able to make them collide, or every lookup becomes a walk. For any two different
/// names the chance of equal hashes is 2^-64 over the choice of the secrets (multilinear hashing is strongly universal,
/// and the mixing is a bijection), so names chosen without knowing the secrets collide no more often than random ones.
/// That rests on the secrets: they are drawn anew in every process, and no hash ever leaves it. (SipHash would also
/// hold against somebody who sees hashes, and takes longer.)
package struct NameHash: Sendable {
    private static let wordCountMax = FieldLimits.thingNameByteCountMax / 8

    /// Those of the byte count, then those of each word.
    private var low: InlineArray<17, UInt64>
    private var high: InlineArray<17, UInt64>

    package init() {
        var random = SystemRandomNumberGenerator()
        self.init(using: &random)
    }

    /// With secrets that are known to whoever knows the generator: for counting what a store does, which is then the same
    /// in every run.
    package init(using random: inout some RandomNumberGenerator) {
        low = InlineArray { _ in random.next() }
        high = InlineArray { _ in random.next() }
    }

    /// Of a name of at most 128 bytes.
    func callAsFunction(_ name: RawSpan) -> UInt64 {
        let byteCount = name.byteCount
        precondition(byteCount <= Self.wordCountMax * 8, "a name has at most 128 bytes")
        var sum = Sum()
        sum.add(UInt64(byteCount), low[0], high[0])
        var offset = 0
        var place = 1
        while byteCount - offset >= 8 {
            // There are eight bytes from here on, and any eight bytes are an integer.
            sum.add(name.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self), low[place], high[place])
            offset += 8
            place += 1
        }
        if offset < byteCount {
            sum.add(Self.rest(of: name, from: offset), low[place], high[place])
        }
        return Self.mixed(sum.high)
    }

    /// Modulo 2^128.
    private struct Sum {
        private var low: UInt64 = 0
        private(set) var high: UInt64 = 0

        @inline(__always)
        mutating func add(_ word: UInt64, _ keyLow: UInt64, _ keyHigh: UInt64) {
            let product = word.multipliedFullWidth(by: keyLow)
            let (low, carries) = low.addingReportingOverflow(product.low)
            self.low = low
            high = high &+ product.high &+ word &* keyHigh &+ (carries ? 1 : 0)
        }
    }

    /// The last 1 to 7 bytes, the others zero; the byte count tells names apart that differ only in zeros.
    @inline(__always)
    private static func rest(of name: RawSpan, from offset: Int) -> UInt64 {
        let count = name.byteCount - offset
        if name.byteCount >= 8 {
            // The name has at least eight bytes, and any eight bytes are an integer.
            let word = name.unsafeLoadUnaligned(fromByteOffset: name.byteCount - 8, as: UInt64.self)
            return word >> UInt64(64 - count * 8)
        }
        var word: UInt64 = 0
        for index in 0..<count {
            // The offset is less than the byte count, and any byte is an integer.
            word |= UInt64(name.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)) << UInt64(index * 8)
        }
        return word
    }

    /// Names that count up would otherwise stand in even steps.
    @inline(__always)
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value ^= value >> 32
        value = value &* 0xD6E8_FEB8_6659_FD93
        value ^= value >> 32
        value = value &* 0xD6E8_FEB8_6659_FD93
        return value ^ value >> 32
    }
}
