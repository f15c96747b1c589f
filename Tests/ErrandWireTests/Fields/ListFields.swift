import ErrandCore
import ErrandWire

extension GetPendingJobExecutionsRequest {
    var vectorFields: Fields {
        var fields: Fields = ["thingName": field(thingName)]
        fields.list("maxResults", maxResults, field)
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension ListJobExecutionsForJobRequest {
    var vectorFields: Fields {
        var fields: Fields = ["jobId": field(jobId)]
        fields.list("maxResults", maxResults, field)
        fields.list("status", status, field)
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension ListJobExecutionsForThingRequest {
    var vectorFields: Fields {
        var fields: Fields = ["thingName": field(thingName)]
        fields.list("maxResults", maxResults, field)
        fields.list("status", status, field)
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension JobExecutionSummary {
    var vectorFields: Fields {
        var fields: Fields = [
            "status": field(status), "forceCanceled": field(forceCanceled), "retryAttempt": field(retryAttempt),
            "executionNumber": field(executionNumber), "versionNumber": field(versionNumber),
            "queuedAtMilliseconds": field(queuedAtMilliseconds),
            "lastUpdatedAtMilliseconds": field(lastUpdatedAtMilliseconds), "jobId": field(jobId),
            "thingName": field(thingName),
        ]
        fields.list("startedAtMilliseconds", startedAtMilliseconds, field)
        return fields
    }
}

extension PendingJobExecutions {
    var vectorFields: Fields {
        var fields: Fields = [
            "totalCount": field(totalCount), "inProgressCount": .number(inProgressJobs.count),
            "queuedCount": .number(queuedJobs.count),
            "executions": .array((inProgressJobs + queuedJobs).map { .object($0.vectorFields) }),
        ]
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension JobExecutionPage {
    var vectorFields: Fields {
        var fields: Fields = [
            "count": .number(executions.count), "executions": .array(executions.map { .object($0.vectorFields) }),
        ]
        fields.list("nextToken", nextToken, field)
        return fields
    }
}
