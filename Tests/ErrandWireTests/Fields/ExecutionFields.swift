import ErrandCore
import ErrandWire

extension DescribeJobExecutionRequest {
    var vectorFields: Fields {
        var fields: Fields = ["jobId": field(jobId), "thingName": field(thingName)]
        fields.list("executionNumber", executionNumber, field)
        return fields
    }
}

extension DescribeOwnJobExecutionRequest {
    var vectorFields: Fields {
        var fields: Fields = [
            "jobId": jobId.map { field($0) } ?? .text("$next"), "thingName": field(thingName),
            "includeJobDocument": field(includeJobDocument),
        ]
        fields.list("executionNumber", executionNumber, field)
        return fields
    }
}

extension UpdateJobExecutionRequest {
    var vectorFields: Fields {
        var fields: Fields = [
            "status": field(status), "mergeStatusDetails": field(mergeStatusDetails),
            "includeJobExecutionState": field(includeJobExecutionState),
            "includeJobDocument": field(includeJobDocument), "jobId": field(jobId), "thingName": field(thingName),
        ]
        fields.list("expectedVersion", expectedVersion, field)
        fields.list("executionNumber", executionNumber, field)
        fields.list("stepTimeoutInMinutes", stepTimeoutInMinutes, field)
        fields.list("statusDetails", statusDetails, field)
        fields.list("idempotencyKey", idempotencyKey, field)
        return fields
    }
}

extension CancelJobExecutionRequest {
    var vectorFields: Fields {
        var fields: Fields = ["force": field(force), "jobId": field(jobId), "thingName": field(thingName)]
        fields.list("expectedVersion", expectedVersion, field)
        fields.list("executionNumber", executionNumber, field)
        fields.list("statusDetails", statusDetails, field)
        fields.list("idempotencyKey", idempotencyKey, field)
        return fields
    }
}

extension StartNextPendingJobExecutionRequest {
    var vectorFields: Fields {
        var fields: Fields = ["thingName": field(thingName)]
        fields.list("stepTimeoutInMinutes", stepTimeoutInMinutes, field)
        fields.list("statusDetails", statusDetails, field)
        fields.list("idempotencyKey", idempotencyKey, field)
        return fields
    }
}

extension DeleteJobExecutionRequest {
    var vectorFields: Fields {
        var fields: Fields = [
            "executionNumber": field(executionNumber), "force": field(force), "jobId": field(jobId),
            "thingName": field(thingName),
        ]
        fields.list("idempotencyKey", idempotencyKey, field)
        return fields
    }
}

extension JobExecution {
    var vectorFields: Fields {
        var fields: Fields = [
            "status": field(status), "forceCanceled": field(forceCanceled), "retryAttempt": field(retryAttempt),
            "executionNumber": field(executionNumber), "versionNumber": field(versionNumber),
            "queuedAtMilliseconds": field(queuedAtMilliseconds),
            "lastUpdatedAtMilliseconds": field(lastUpdatedAtMilliseconds), "jobId": field(jobId),
            "thingName": field(thingName),
        ]
        fields.list("startedAtMilliseconds", startedAtMilliseconds, field)
        fields.list("approximateSecondsBeforeTimedOut", approximateSecondsBeforeTimedOut, field)
        // Absent and empty are the same here (SPEC §8.1).
        if !statusDetails.isEmpty { fields["statusDetails"] = field(statusDetails) }
        fields.list("jobDocument", jobDocument, field)
        return fields
    }

    /// As the server writes it: from a stored record.
    func write(to writer: inout ByteWriter) {
        var record = ExecutionRecord(
            executionNumber: executionNumber, retryAttempt: retryAttempt, queuedAtMilliseconds: queuedAtMilliseconds)
        record.versionNumber = versionNumber
        record.lastUpdatedAtMilliseconds = lastUpdatedAtMilliseconds
        record.startedAtMilliseconds = startedAtMilliseconds
        record.statusDetails = statusDetails
        record.status = status
        record.forceCanceled = forceCanceled
        JobExecutionBody.write(
            jobId: jobId, thingName: thingName, record: record,
            approximateSecondsBeforeTimedOut: approximateSecondsBeforeTimedOut,
            jobDocument: jobDocument.map { Array($0.utf8) }, to: &writer)
    }
}

extension JobExecutionChange {
    var vectorFields: Fields {
        var fields: Fields = [
            "status": field(status), "versionNumber": field(versionNumber), "executionNumber": field(executionNumber),
            "lastUpdatedAtMilliseconds": field(lastUpdatedAtMilliseconds),
        ]
        fields.list("statusDetails", statusDetails, field)
        fields.list("jobDocument", jobDocument, field)
        return fields
    }
}
