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

extension ListJobsRequest {
    var vectorFields: Fields {
        var fields: Fields = [:]
        fields.list("maxResults", maxResults, field)
        fields.list("status", status, field)
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension JobSummary {
    var vectorFields: Fields {
        var fields: Fields = [
            "status": field(status), "createdAtMilliseconds": field(createdAtMilliseconds),
            "lastUpdatedAtMilliseconds": field(lastUpdatedAtMilliseconds), "targetCount": field(targetCount),
            "jobId": field(jobId),
        ]
        fields.list("completedAtMilliseconds", completedAtMilliseconds, field)
        return fields
    }
}

extension JobPage {
    var vectorFields: Fields {
        var fields: Fields = [
            "count": .number(jobs.count), "jobs": .array(jobs.map { .object($0.vectorFields) }),
        ]
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension GetJobExecutionHistoryRequest {
    var vectorFields: Fields {
        var fields: Fields = ["jobId": field(jobId), "thingName": field(thingName)]
        fields.list("executionNumber", executionNumber, field)
        fields.list("maxResults", maxResults, field)
        fields.list("nextToken", nextToken, field)
        return fields
    }
}

extension JobExecutionHistoryEntry {
    var vectorFields: Fields {
        var fields: Fields = [
            "kind": field(kind.rawValue), "actor": field(actor.rawValue), "toStatus": field(toStatus),
            "atMilliseconds": field(atMilliseconds), "versionNumber": field(versionNumber),
        ]
        fields.list("fromStatus", fromStatus, field)
        // Absent and empty are the same here (SPEC §8.7).
        if !statusDetails.isEmpty { fields["statusDetails"] = field(statusDetails) }
        return fields
    }
}

extension JobExecutionHistoryPage {
    var vectorFields: Fields {
        var fields: Fields = [
            "count": .number(entries.count), "droppedCount": field(droppedCount),
            "entries": .array(entries.map { .object($0.vectorFields) }),
        ]
        fields.list("nextToken", nextToken, field)
        return fields
    }
}
