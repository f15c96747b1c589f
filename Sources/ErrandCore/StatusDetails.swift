/// The map of texts that a device reports with its status: up to 10 pairs, in the order given (SPEC §2, §12).
///
/// Kept in one flat buffer, the pairs as they stand in SPEC's `details`, so that storing, sending and
/// comparing a report never builds a dictionary.
public struct StatusDetails: Sendable {
    /// For each pair: `u16` key byte count, key, `u16` value byte count, value (little-endian).
    package let flat: [UInt8]
    public let count: Int

    public init() {
        flat = []
        count = 0
    }

    /// Throws `InvalidField` when a pair is outside SPEC §12's limits or a key comes twice.
    public init(_ pairs: some Sequence<(key: String, value: String)>) throws(InvalidField) {
        var flat: [UInt8] = []
        var count = 0
        for (key, value) in pairs {
            for text in [key, value] {
                guard text.utf8.count <= UInt16.max else {
                    throw InvalidField("statusDetails", "a text of \(text.utf8.count) bytes is too long")
                }
                let byteCount = UInt16(text.utf8.count)
                flat.append(UInt8(truncatingIfNeeded: byteCount))
                flat.append(UInt8(truncatingIfNeeded: byteCount >> 8))
                flat.append(contentsOf: text.utf8)
            }
            count += 1
        }
        try self.init(checking: flat, count: count)
    }

    /// Checks a flat buffer whose lengths are known to fit it.
    package init(checking flat: [UInt8], count: Int) throws(InvalidField) {
        guard count <= FieldLimits.statusDetailsPairCountMax else {
            throw InvalidField(
                "statusDetails", "has \(count) pairs, the limit is \(FieldLimits.statusDetailsPairCountMax)")
        }
        self.flat = flat
        self.count = count
        try check()
    }

    /// Details in a reply: SPEC §12's limits bind requests only, so the texts only have to be UTF-8.
    package init(received flat: [UInt8], count: Int) throws(InvalidField) {
        self.init(stored: flat, count: count)
        let bytes = flat.span.bytes
        // Then the counts between the texts are ASCII, too: the whole is looked through at once.
        guard !PrintableText.isASCII(bytes) else { return }
        for range in ranges {
            guard PrintableText.isUTF8(bytes.extracting(range.key)), PrintableText.isUTF8(bytes.extracting(range.value))
            else { throw InvalidField("statusDetails", "are not valid UTF-8") }
        }
    }

    /// Takes a flat buffer that came out of another `StatusDetails`.
    package init(stored flat: [UInt8], count: Int) {
        self.flat = flat
        self.count = count
    }

    public var isEmpty: Bool { count == 0 }

    /// The pairs in the order given.
    public var pairs: [(key: String, value: String)] {
        ranges.map { (text(in: $0.key), text(in: $0.value)) }
    }

    public var dictionary: [String: String] {
        Dictionary(pairs.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    public subscript(key: String) -> String? {
        for range in ranges where flat[range.key].elementsEqual(key.utf8) {
            return text(in: range.value)
        }
        return nil
    }

    /// These pairs with those of `other` laid over them, key by key.
    package func merging(_ other: StatusDetails) throws(InvalidField) -> StatusDetails {
        var flat: [UInt8] = []
        var count = 0
        let newer = other.ranges
        for range in ranges where !newer.contains(where: { other.flat[$0.key] == self.flat[range.key] }) {
            flat.append(contentsOf: self.flat[(range.key.lowerBound - 2)..<range.value.upperBound])
            count += 1
        }
        flat.append(contentsOf: other.flat)
        count += other.count
        guard count <= FieldLimits.statusDetailsPairCountMax else {
            throw InvalidField(
                "statusDetails", "would have \(count) pairs, the limit is \(FieldLimits.statusDetailsPairCountMax)")
        }
        return StatusDetails(stored: flat, count: count)
    }

    private func text(in range: Range<Int>) -> String { String(decoding: flat[range], as: UTF8.self) }

    private var ranges: [(key: Range<Int>, value: Range<Int>)] {
        var result: [(key: Range<Int>, value: Range<Int>)] = []
        result.reserveCapacity(count)
        var offset = 0
        for _ in 0..<count {
            let key = textRange(at: offset)
            let value = textRange(at: key.upperBound)
            result.append((key, value))
            offset = value.upperBound
        }
        return result
    }

    private func textRange(at offset: Int) -> Range<Int> {
        let byteCount = Int(flat[offset]) | Int(flat[offset + 1]) << 8
        return (offset + 2)..<(offset + 2 + byteCount)
    }
}

extension StatusDetails: Equatable {
    public static func == (left: Self, right: Self) -> Bool {
        left.flat == right.flat || (left.count == right.count && left.dictionary == right.dictionary)
    }
}

extension StatusDetails {
    private func check() throws(InvalidField) {
        let bytes = flat.span.bytes
        var keyOffsets = InlineArray<10, Int>(repeating: 0)
        var offset = 0
        for index in 0..<count {
            let key = textRange(at: offset)
            try NameAlphabet.check(
                bytes.extracting(key), field: "statusDetails key",
                byteCountMax: FieldLimits.statusDetailsKeyByteCountMax, allowsColon: true)
            for earlier in 0..<index where flat[textRange(at: keyOffsets[earlier])] == flat[key] {
                throw InvalidField("statusDetails", "has the key \(text(in: key)) twice")
            }
            keyOffsets[index] = offset
            let value = textRange(at: key.upperBound)
            guard !value.isEmpty else {
                throw InvalidField("statusDetails value", "of \(text(in: key)) is empty")
            }
            try PrintableText.check(
                bytes.extracting(value), field: "statusDetails value",
                scalarCountMax: FieldLimits.statusDetailsValueScalarCountMax)
            offset = value.upperBound
        }
    }
}
