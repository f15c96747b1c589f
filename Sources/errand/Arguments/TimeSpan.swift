/// A duration as people write it: `500ms`, `5s`, `2m` or `1h`.
struct TimeSpan: Equatable, CustomStringConvertible {
    let milliseconds: Int64

    /// A week: what the longest timer of SPEC §12 lasts.
    private static let millisecondsMax: Int64 = 7 * 24 * 3_600_000
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ]

    init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    init(_ text: String) throws(BadArgument) {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.suffix) }) else {
            throw BadArgument("'\(text)' is not a duration such as 500ms, 5s, 2m or 1h")
        }
        let digits = text.dropLast(unit.suffix.count)
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw BadArgument("'\(text)' is not a duration such as 500ms, 5s, 2m or 1h")
        }
        let (value, overflows) = (Int64(digits) ?? .max).multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflows, (1...Self.millisecondsMax).contains(value) else {
            throw BadArgument("'\(text)' is outside 1ms to 168h")
        }
        milliseconds = value
    }

    var duration: Duration { .milliseconds(milliseconds) }

    var description: String {
        let unit = Self.units.last { milliseconds % $0.milliseconds == 0 } ?? Self.units[0]
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
}
