import ErrandClient

/// The words of AWS IoT Jobs, one method for each shape.
extension JSONWriter {
    mutating func append(_ execution: JobExecution) {
        object { json in
            json.member("jobId", execution.jobId.description)
            json.member("thingArn", execution.thingArn)
            json.member("thingName", execution.thingName.description)
            json.member("status", execution.status.description)
            json.member("forceCanceled", execution.forceCanceled)
            json.member("statusDetails", execution.statusDetails)
            json.member("queuedAt", secondsFromMilliseconds: execution.queuedAtMilliseconds)
            json.member("startedAt", secondsFromMilliseconds: execution.startedAtMilliseconds)
            json.member("lastUpdatedAt", secondsFromMilliseconds: execution.lastUpdatedAtMilliseconds)
            json.member("versionNumber", execution.versionNumber)
            json.member("executionNumber", execution.executionNumber)
            json.member("approximateSecondsBeforeTimedOut", execution.approximateSecondsBeforeTimedOut)
            json.member("retryAttempt", execution.retryAttempt)
            json.member("jobDocument", execution.jobDocument)
        }
    }

    mutating func append(_ execution: JobExecutionSummary, thingArnPrefix: String) {
        object { json in
            json.member("jobId", execution.jobId.description)
            json.member("thingArn", "\(thingArnPrefix):thing/\(execution.thingName)")
            json.member("thingName", execution.thingName.description)
            json.member("status", execution.status.description)
            json.member("forceCanceled", execution.forceCanceled)
            json.member("queuedAt", secondsFromMilliseconds: execution.queuedAtMilliseconds)
            json.member("startedAt", secondsFromMilliseconds: execution.startedAtMilliseconds)
            json.member("lastUpdatedAt", secondsFromMilliseconds: execution.lastUpdatedAtMilliseconds)
            json.member("versionNumber", execution.versionNumber)
            json.member("executionNumber", execution.executionNumber)
            json.member("retryAttempt", execution.retryAttempt)
        }
    }

    mutating func append(_ change: JobExecutionChange, jobId: JobId, thingName: ThingName) {
        object { json in
            json.member("jobId", jobId.description)
            json.member("thingName", thingName.description)
            json.member("status", change.status.description)
            json.member("statusDetails", change.statusDetails)
            json.member("lastUpdatedAt", secondsFromMilliseconds: change.lastUpdatedAtMilliseconds)
            json.member("versionNumber", change.versionNumber)
            json.member("executionNumber", change.executionNumber)
        }
    }

    mutating func append(_ entry: JobExecutionHistoryEntry) {
        object { json in
            json.member("kind", entry.kind == .change ? "change" : "refusedReport")
            json.member("actor", entry.actor.description)
            json.member("at", secondsFromMilliseconds: entry.atMilliseconds)
            json.member("fromStatus", entry.fromStatus?.description)
            json.member("toStatus", entry.toStatus.description)
            json.member("versionNumber", entry.versionNumber)
            json.member("statusDetails", entry.statusDetails)
        }
    }

    mutating func append(_ error: ErrandError) {
        object { json in
            json.member("code", error.code.description)
            json.member("message", error.message)
            json.member("applied", error.applied.description)
            json.member("retryAfterMilliseconds", error.retryAfterMilliseconds)
            guard let state = error.executionState else { return }
            json.key("executionState")
            json.object { json in
                json.member("status", state.status.description)
                json.member("statusDetails", state.statusDetails)
                json.member("versionNumber", state.versionNumber)
                json.member("executionNumber", state.executionNumber)
            }
        }
    }

    mutating func member(_ name: String, _ details: StatusDetails?) {
        guard let details else { return }
        key(name)
        object { json in
            for (key, value) in details.pairs { json.member(key, value) }
        }
    }

    /// One object, complete.
    static func text(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        body(&json)
        return json.text
    }
}
