/// Every limit on a field's value (SPEC §12).
package enum FieldLimits {
    package static let jobIdByteCountMax = 64
    package static let thingNameByteCountMax = 128
    package static let statusDetailsPairCountMax = 10
    package static let statusDetailsKeyByteCountMax = 128
    package static let statusDetailsValueScalarCountMax = 1024
    package static let jobDocumentByteCountMax = 32768
    /// Of objects and arrays in each other.
    package static let jobDocumentDepthMax = 512
    package static let descriptionScalarCountMax = 2028
    package static let commentScalarCountMax = 2028
    package static let timeoutInMinutesMax: Int64 = 10080
    package static let pageResultCountMax = 250
    package static let pendingResultCountDefault = 10
    package static let jobTargetCountMax = 1_000_000
    package static let nextTokenByteCountMax = 64
    package static let reasonCodeByteCountMax = 128
    package static let retryCriterionCountMax = 2
    /// Of one thing, over both criteria.
    package static let numberOfRetriesMax = 10
    package static let ratePerMinuteMax: UInt32 = 1000
    package static let incrementFactorTenths: ClosedRange<UInt8> = 11...50
    package static let abortCriterionCountMax = 16
    package static let thresholdPercentageHundredthsMax: UInt32 = 10_000

    /// A description or a comment.
    package static func checkText(_ text: String, _ field: String, scalarCountMax: Int) throws(InvalidField) {
        var text = text
        text.makeContiguousUTF8()
        try PrintableText.check(text.utf8Span.span.bytes, field: field, scalarCountMax: scalarCountMax)
    }

    package static func checkReasonCode(_ text: String) throws(InvalidField) {
        guard text.utf8.count <= reasonCodeByteCountMax else {
            throw InvalidField("reasonCode", "has \(text.utf8.count) bytes, the limit is \(reasonCodeByteCountMax)")
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                continue
            default:
                throw InvalidField("reasonCode", "has another character than upper case letters, digits and '_'")
            }
        }
    }

    package static func checkTimeout(_ minutes: Int64?, _ field: String, orMinusOne: Bool = false) throws(InvalidField)
    {
        guard let minutes else { return }
        if orMinusOne && minutes == -1 { return }
        guard (1...timeoutInMinutesMax).contains(minutes) else {
            let extra = orMinusOne ? ", or -1 to end the running step timer" : ""
            throw InvalidField(field, "\(minutes) is outside 1 to \(timeoutInMinutesMax) minutes\(extra)")
        }
    }

    package static func checkExecutionNumber(_ number: Int64?) throws(InvalidField) {
        if let number, number < 1 {
            throw InvalidField("executionNumber", "\(number) is below 1")
        }
    }

    package static func checkMaxResults(_ count: UInt32?) throws(InvalidField) {
        if let count, !(1...UInt32(pageResultCountMax)).contains(count) {
            throw InvalidField("maxResults", "\(count) is outside 1 to \(pageResultCountMax)")
        }
    }
}
