/// Decimal numbers with a bounded number of places, kept as whole numbers so that nothing is rounded.
enum FixedPoint {
    /// `1.5` with one place is 15; more places than `places`, a sign or anything else is no such number.
    static func parse(_ text: some StringProtocol, places: Int) -> UInt32? {
        let parts = String(text).split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts[0]
        let fraction = parts.count > 1 ? parts[1] : "0"
        let isDecimal = [whole, fraction].allSatisfy { part in
            !part.isEmpty && part.allSatisfy { $0.isASCII && $0.isNumber }
        }
        guard isDecimal, fraction.count <= places else { return nil }
        return UInt32(whole + fraction + String(repeating: "0", count: places - fraction.count))
    }

    /// Without zeros at the end: 15 with one place is `1.5`, 5000 with two places `50`.
    static func text(_ value: UInt32, places: Int) -> String {
        var digits = String(value)
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        let whole = digits.dropLast(places)
        var fraction = digits.suffix(places)
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
    }
}
