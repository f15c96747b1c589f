/// Text from elsewhere, made safe for a terminal: a peer must not move the cursor or hide what it wrote.
enum EscapedText {
    /// One line: every character of Unicode's categories for control, format and the like becomes `\u{…}`.
    static func line(_ text: String) -> String {
        escape(text) { _ in false }
    }

    /// As `line`, but line ends and tabs stay.
    static func lines(_ text: String) -> String {
        escape(text) { $0 == "\n" || $0 == "\t" }
    }

    private static func escape(_ text: String, unless isKept: (Unicode.Scalar) -> Bool) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isKept(scalar) || scalar.isPrintable {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
