/// Up to `wordCount × 8` bytes of text held in place: no heap, trivially copied, compared and hashed word by word.
///
/// Names arrive with every call; keeping them out of the heap is what lets a call be decoded without an allocation.
@usableFromInline
package struct InlineText<let wordCount: Int>: Sendable {
    @usableFromInline
    var words: InlineArray<wordCount, UInt64>
    @usableFromInline
    package let byteCount: Int

    package static var byteCountMax: Int { wordCount * 8 }

    /// The empty text.
    package init() {
        words = .init(repeating: 0)
        byteCount = 0
    }

    /// Copies `bytes`; nothing if they do not fit.
    package init?(_ bytes: RawSpan) {
        let count = bytes.byteCount
        guard count <= Self.byteCountMax else { return nil }
        // In place: a copy of the words would cost more than the text.
        words = .init(repeating: 0)
        byteCount = count
        var target = words.mutableSpan
        var targetBytes = target.mutableBytes
        var offset = 0
        while count - offset >= 8 {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            targetBytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count {
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            targetBytes.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
            offset += 1
        }
    }

    @inlinable
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get { words.span.bytes.extracting(first: byteCount) }
    }

    package var string: String {
        let bytes = bytes
        return String(unsafeUninitializedCapacity: byteCount) { target in
            for index in 0..<bytes.byteCount {
                target[index] = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            }
            return bytes.byteCount
        }
    }
}

extension InlineText: Hashable {
    @usableFromInline
    package static func == (left: Self, right: Self) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        // Bytes past the count are zero in both, so whole words may be compared.
        var index = 0
        while index < wordCount, index * 8 < left.byteCount {
            if left.words[index] != right.words[index] { return false }
            index += 1
        }
        return true
    }

    @usableFromInline
    package func hash(into hasher: inout Hasher) {
        hasher.combine(byteCount)
        var index = 0
        while index < wordCount, index * 8 < byteCount {
            hasher.combine(words[index])
            index += 1
        }
    }
}
