/// Checks of the fields of job operations (SPEC §12).

extension JobConfiguration {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkTimeout(inProgressTimeoutInMinutes, "inProgressTimeoutInMinutes")
        try validateRetryCriteria()
        try rollout?.validate()
        try AbortCriterion.validate(abortCriteria)
    }

    /// A criterion for TIMED_OUT is valid without an in-progress timer, because step timers end executions too.
    private func validateRetryCriteria() throws(InvalidField) {
        guard retryCriteria.count <= FieldLimits.retryCriterionCountMax else {
            throw InvalidField(
                "retryCriteria", "\(retryCriteria.count) criteria are more than \(FieldLimits.retryCriterionCountMax)")
        }
        var total = 0
        for (index, criterion) in retryCriteria.enumerated() {
            guard criterion.failureType != .rejected else {
                throw InvalidField("retryCriteria", "REJECTED is never retried; allowed are FAILED, TIMED_OUT and ALL")
            }
            for earlier in retryCriteria.prefix(index) where earlier.failureType == criterion.failureType {
                throw InvalidField("retryCriteria", "has \(criterion.failureType) twice")
            }
            total += Int(criterion.numberOfRetries)
        }
        if retryCriteria.count > 1, retryCriteria.contains(where: { $0.failureType == .all }) {
            throw InvalidField("retryCriteria", "ALL stands alone, because it covers the others")
        }
        guard total <= FieldLimits.numberOfRetriesMax else {
            throw InvalidField("numberOfRetries", "\(total) in total is above \(FieldLimits.numberOfRetriesMax)")
        }
    }
}

extension RolloutConfig {
    package func validate() throws(InvalidField) {
        try Self.checkRate(maximumPerMinute, "maximumPerMinute")
        guard let rate = exponentialRate else { return }
        try Self.checkRate(rate.baseRatePerMinute, "baseRatePerMinute")
        guard FieldLimits.incrementFactorTenths.contains(rate.incrementFactorTenths) else {
            throw InvalidField("incrementFactorTenths", "\(rate.incrementFactorTenths) is outside 11 to 50 (1.1 to 5)")
        }
        switch rate.increaseCriterion {
        case .numberOfNotifiedThings(0), .numberOfSucceededThings(0):
            throw InvalidField("increaseThreshold", "0 is below 1")
        default: return
        }
    }

    private static func checkRate(_ rate: UInt32, _ field: String) throws(InvalidField) {
        guard (1...FieldLimits.ratePerMinuteMax).contains(rate) else {
            throw InvalidField(field, "\(rate) is outside 1 to \(FieldLimits.ratePerMinuteMax)")
        }
    }
}

extension AbortCriterion {
    package static func validate(_ criteria: [AbortCriterion]) throws(InvalidField) {
        guard criteria.count <= FieldLimits.abortCriterionCountMax else {
            throw InvalidField(
                "abortCriteria", "has \(criteria.count) criteria, the limit is \(FieldLimits.abortCriterionCountMax)")
        }
        for criterion in criteria {
            guard criterion.thresholdPercentageHundredths <= FieldLimits.thresholdPercentageHundredthsMax else {
                throw InvalidField(
                    "thresholdPercentageHundredths",
                    "\(criterion.thresholdPercentageHundredths) is above 10000 (100 percent)")
            }
            guard criterion.minNumberOfExecutedThings >= 1 else {
                throw InvalidField("minNumberOfExecutedThings", "0 is below 1")
            }
        }
    }
}

extension CancelJobRequest {
    package func validate() throws(InvalidField) {
        if let reasonCode { try FieldLimits.checkReasonCode(reasonCode) }
        if let comment {
            try FieldLimits.checkText(comment, "comment", scalarCountMax: FieldLimits.commentScalarCountMax)
        }
    }
}

extension UpdateJobRequest {
    package func validate() throws(InvalidField) {
        if let description {
            try FieldLimits.checkText(
                description, "description", scalarCountMax: FieldLimits.descriptionScalarCountMax)
        }
        try FieldLimits.checkTimeout(inProgressTimeoutInMinutes, "inProgressTimeoutInMinutes")
        try rollout?.validate()
        if let abortCriteria { try AbortCriterion.validate(abortCriteria) }
    }
}

extension ListJobsRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkMaxResults(maxResults)
    }
}

extension RemoveJobTargetsRequest {
    package func validate() throws(InvalidField) {
        guard !targets.isEmpty else { throw InvalidField("targets", "is empty") }
    }
}

extension DeleteJobExecutionRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkExecutionNumber(executionNumber)
    }
}

extension GetJobExecutionHistoryRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkExecutionNumber(executionNumber)
        try FieldLimits.checkMaxResults(maxResults)
    }
}
