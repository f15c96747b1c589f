/// Names one intended change, so that sending it twice changes nothing twice (SPEC §6 `CALL-10`).
public struct IdempotencyKey: Sendable, Hashable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new key that nobody else has.
    public static func random() -> IdempotencyKey {
        IdempotencyKey(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    public var description: String {
        let digits = [high, low].map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits.joined()
    }
}
