/// Every limit on a field's value (SPEC §12).
package enum FieldLimits {
    package static let jobIdByteCountMax = 64
    package static let thingNameByteCountMax = 128
    package static let statusDetailsPairCountMax = 10
    package static let statusDetailsKeyByteCountMax = 128
    package static let statusDetailsValueScalarCountMax = 1024
    package static let jobDocumentByteCountMax = 32768
    package static let descriptionScalarCountMax = 2028
    package static let timeoutInMinutesMax: Int64 = 10080
    package static let pageResultCountMax = 250
    package static let pendingResultCountDefault = 10
    package static let jobTargetCountMax = 1_000_000
    package static let nextTokenByteCountMax = 64

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
