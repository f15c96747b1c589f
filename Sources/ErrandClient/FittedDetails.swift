public import ErrandCore

/// Which part of a text that is too long is kept.
public enum KeptPart: Sendable, Hashable {
    case head
    /// The end, such as the last lines of a log.
    case tail
}

extension String {
    /// This text made fit for a value of status details (SPEC §12): control characters, line ends included, become spaces,
    /// other characters that are not allowed `U+FFFD`, and at most 1,024 characters are kept, with `…` where it was cut.
    /// An empty text becomes `-`, because a value must not be empty.
    public func fittedForStatusDetails(keeping part: KeptPart = .head) -> String {
        guard !isEmpty else { return "-" }
        let limit = FieldLimits.statusDetailsValueScalarCountMax
        let scalars = unicodeScalars.lazy.map(Self.fitted)
        var result = String.UnicodeScalarView()
        if unicodeScalars.count <= limit {
            result.append(contentsOf: scalars)
            return String(result)
        }
        switch part {
        case .head:
            result.append(contentsOf: scalars.prefix(limit - 1))
            result.append("…")
        case .tail:
            result.append("…")
            result.append(contentsOf: scalars.suffix(limit - 1))
        }
        return String(result)
    }

    private static func fitted(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.properties.generalCategory {
        case .control: " "
        case .format, .surrogate, .privateUse, .unassigned: "\u{FFFD}"
        default: scalar
        }
    }

    /// This text made fit for a key of status details: other characters than letters, digits, `:`, `_` and `-` become `_`.
    fileprivate var fittedForStatusDetailsKey: String {
        let bytes = utf8.prefix(FieldLimits.statusDetailsKeyByteCountMax).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ":"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}

extension StatusDetails {
    /// Status details made of any texts: keys and values are made fit, of a key that comes twice the last value counts, and
    /// pairs beyond the tenth are left out. For texts that come from elsewhere, such as the output of an installer.
    public static func fitted(
        _ pairs: some Sequence<(key: String, value: String)>, keeping part: KeptPart = .head
    ) -> StatusDetails {
        var fitted: [(key: String, value: String)] = []
        for (key, value) in pairs {
            let pair = (key: key.fittedForStatusDetailsKey, value: value.fittedForStatusDetails(keeping: part))
            if let index = fitted.firstIndex(where: { $0.key == pair.key }) {
                fitted[index] = pair
            } else if fitted.count < FieldLimits.statusDetailsPairCountMax {
                fitted.append(pair)
            }
        }
        do throws(InvalidField) {
            return try StatusDetails(fitted)
        } catch {
            assertionFailure("fitted details do not fit: \(error)")
            return StatusDetails()
        }
    }
}
