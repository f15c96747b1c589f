/// Checks of the fields that their types do not check (SPEC §12). Names and details are valid by construction.

extension DescribeJobExecutionRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkExecutionNumber(executionNumber)
    }
}

extension DescribeOwnJobExecutionRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkExecutionNumber(executionNumber)
        if jobId == nil, executionNumber != nil {
            throw InvalidField("executionNumber", "cannot be given with $next")
        }
    }
}

extension UpdateJobExecutionRequest {
    package func validate() throws(InvalidField) {
        try ExecutionRules.checkReportable(status)
        try FieldLimits.checkExecutionNumber(executionNumber)
        try FieldLimits.checkTimeout(stepTimeoutInMinutes, "stepTimeoutInMinutes", orMinusOne: true)
    }
}

extension CancelJobExecutionRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkExecutionNumber(executionNumber)
    }
}

extension StartNextPendingJobExecutionRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkTimeout(stepTimeoutInMinutes, "stepTimeoutInMinutes")
    }
}

extension GetPendingJobExecutionsRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkMaxResults(maxResults)
    }
}

extension ListJobExecutionsForJobRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkMaxResults(maxResults)
    }
}

extension ListJobExecutionsForThingRequest {
    package func validate() throws(InvalidField) {
        try FieldLimits.checkMaxResults(maxResults)
    }
}

extension CreateJobRequest {
    /// Everything but that the document is JSON, which the server checks with `JSONText`.
    package func validate() throws(InvalidField) {
        try configuration.validate()
        guard (1...UInt32(FieldLimits.jobTargetCountMax)).contains(targetCount) else {
            throw InvalidField("targetCount", "\(targetCount) is outside 1 to \(FieldLimits.jobTargetCountMax)")
        }
        guard targets.count <= Int(targetCount) else {
            throw InvalidField("targets", "has \(targets.count) names but targetCount is \(targetCount)")
        }
        guard !document.isEmpty else { throw InvalidField("document", "is empty") }
        guard document.utf8.count <= FieldLimits.jobDocumentByteCountMax else {
            throw InvalidField(
                "document", "has \(document.utf8.count) bytes, the limit is \(FieldLimits.jobDocumentByteCountMax)")
        }
        if let description {
            try FieldLimits.checkText(
                description, "description", scalarCountMax: FieldLimits.descriptionScalarCountMax)
        }
    }
}

extension AddJobTargetsRequest {
    package func validate() throws(InvalidField) {
        guard !targets.isEmpty else { throw InvalidField("targets", "is empty") }
    }
}
