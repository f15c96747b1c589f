import ErrandCore
import ErrandWire

extension Health {
    var vectorFields: Fields { ["state": field(rawValue)] }
}

extension ServerInfo {
    var vectorFields: Fields {
        [
            "minuteLengthMilliseconds": field(minuteLengthMilliseconds), "bootId": field(bootId),
            "startedAtMilliseconds": field(startedAtMilliseconds), "nowMilliseconds": field(nowMilliseconds),
            "jobCount": field(jobCount), "executionCount": field(executionCount), "callCount": field(callCount),
            "connectionCount": field(connectionCount), "serverName": field(serverName),
            "serverVersion": field(serverVersion), "thingArnPrefix": field(thingArnPrefix),
        ]
    }
}

extension CreateJobRequest {
    var vectorFields: Fields {
        var fields: Fields = [
            "targetCount": field(targetCount), "targetSelection": field(targetSelection.rawValue),
            "configuration": configurationField(configuration.retryCriteria, configuration.rollout),
            "jobId": field(jobId), "document": field(document), "targets": .array(targets.map { field($0) }),
            "abortCriteria": field(configuration.abortCriteria),
        ]
        fields.list("inProgressTimeoutInMinutes", inProgressTimeoutInMinutes, field)
        fields.list("description", description, field)
        return fields
    }

    /// What the server checks; that the document is JSON is decided by another parser than the server's.
    func validateAsServer() throws(InvalidField) {
        try validate()
        guard (try? JSONParser.parse(Array(document.utf8))) != nil else {
            throw InvalidField("document", "is not JSON")
        }
    }
}

extension AddJobTargetsRequest {
    var vectorFields: Fields {
        [
            "targetOffset": field(targetOffset), "jobId": field(jobId), "targets": .array(targets.map { field($0) }),
        ]
    }
}

extension JobTargetsReceipt {
    var vectorFields: Fields { ["targetsReceived": field(targetsReceived), "isComplete": field(isComplete)] }
}

extension Job {
    var vectorFields: Fields {
        var fields: Fields = [
            "status": field(status), "createdAtMilliseconds": field(createdAtMilliseconds),
            "lastUpdatedAtMilliseconds": field(lastUpdatedAtMilliseconds), "targetCount": field(targetCount),
            "notYetQueuedCount": field(notYetQueuedCount), "queuedCount": field(processDetails[.queued]),
            "inProgressCount": field(processDetails[.inProgress]),
            "succeededCount": field(processDetails[.succeeded]), "failedCount": field(processDetails[.failed]),
            "timedOutCount": field(processDetails[.timedOut]), "rejectedCount": field(processDetails[.rejected]),
            "removedCount": field(processDetails[.removed]), "canceledCount": field(processDetails[.canceled]),
            "forceCanceled": field(forceCanceled),
            "configuration": configurationField(configuration.retryCriteria, configuration.rollout),
            "queuedAttemptCount": field(attemptDetails[.queued]),
            "inProgressAttemptCount": field(attemptDetails[.inProgress]),
            "succeededAttemptCount": field(attemptDetails[.succeeded]),
            "failedAttemptCount": field(attemptDetails[.failed]),
            "timedOutAttemptCount": field(attemptDetails[.timedOut]),
            "rejectedAttemptCount": field(attemptDetails[.rejected]),
            "removedAttemptCount": field(attemptDetails[.removed]),
            "canceledAttemptCount": field(attemptDetails[.canceled]), "jobId": field(jobId),
            "abortCriteria": field(configuration.abortCriteria),
        ]
        fields.list("completedAtMilliseconds", completedAtMilliseconds, field)
        fields.list("inProgressTimeoutInMinutes", inProgressTimeoutInMinutes, field)
        fields.list("description", description, field)
        fields.list("reasonCode", reasonCode, field)
        fields.list("comment", comment, field)
        return fields
    }
}

extension Failure {
    var vectorFields: Fields {
        var fields: Fields = ["applied": field(applied.rawValue), "message": field(message)]
        fields.list("retryAfterMilliseconds", retryAfterMilliseconds, field)
        guard let state = executionState else { return fields }
        fields["status"] = field(state.status)
        fields["versionNumber"] = field(state.versionNumber)
        fields["executionNumber"] = field(state.executionNumber)
        // Absent and empty are the same here (SPEC §8.3).
        if !state.statusDetails.isEmpty { fields["statusDetails"] = field(state.statusDetails) }
        return fields
    }
}
