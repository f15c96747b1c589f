import ErrandCore
import Testing

/// Bytes are compared eight at a time, the last eight overlapping those before: every length and every place counts.
@Suite(.timeLimit(.minutes(1)))
struct SameBytesTests {
    @Test func equalBytesAreTheSame() {
        for bytes in samples { #expect(areSame(bytes, Array(bytes)), "\(bytes.count) bytes") }
    }

    @Test func oneOtherByteMakesThemDifferent() {
        for bytes in samples {
            for place in bytes.indices {
                var other = bytes
                other[place] ^= 0x80
                #expect(!areSame(bytes, other), "byte \(place) of \(bytes.count)")
                #expect(!areSame(other, bytes), "byte \(place) of \(bytes.count)")
            }
        }
    }

    @Test func aPartIsNotTheWhole() {
        for bytes in samples where !bytes.isEmpty {
            #expect(!areSame(bytes, Array(bytes.dropLast())), "\(bytes.count) bytes")
            #expect(!areSame(Array(bytes.dropLast()), bytes), "\(bytes.count) bytes")
        }
    }

    private let samples = (0...40).map { count in (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) } }

    private func areSame(_ bytes: [UInt8], _ other: [UInt8]) -> Bool {
        bytes.span.bytes.hasSameBytes(as: other.span.bytes)
    }
}
