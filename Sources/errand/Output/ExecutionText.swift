import ErrandClient

/// The same shapes for people. Everything that came from elsewhere is escaped here.
enum ExecutionText {
    static func lines(_ execution: JobExecution) -> [String] {
        var pairs: [(String, String)] = [
            ("job", execution.jobId.description), ("thing", execution.thingName.description),
            ("arn", EscapedText.line(execution.thingArn)),
            ("status", execution.status.description + (execution.forceCanceled ? " (forced)" : "")),
            ("version", String(execution.versionNumber)), ("execution", String(execution.executionNumber)),
            ("queued", LocalTime.text(execution.queuedAtMilliseconds)),
        ]
        if let startedAt = execution.startedAtMilliseconds { pairs.append(("started", LocalTime.text(startedAt))) }
        pairs.append(("updated", LocalTime.text(execution.lastUpdatedAtMilliseconds)))
        if let seconds = execution.approximateSecondsBeforeTimedOut {
            pairs.append(("times out in", "about \(seconds) s"))
        }
        if execution.retryAttempt > 0 { pairs.append(("retry attempt", String(execution.retryAttempt))) }
        var lines = TextTable.pairs(pairs) + details(execution.statusDetails)
        if let document = execution.jobDocument {
            lines.append("document")
            lines += EscapedText.lines(document).split(separator: "\n").map { "  " + $0 }
        }
        return lines
    }

    static func lines(_ change: JobExecutionChange, jobId: JobId, thingName: ThingName) -> [String] {
        let line =
            "\(jobId) on \(thingName): \(change.status), version \(change.versionNumber)"
            + ", execution \(change.executionNumber), updated \(LocalTime.text(change.lastUpdatedAtMilliseconds))"
        return [line] + (change.statusDetails.map(details) ?? [])
    }

    static func details(_ details: StatusDetails) -> [String] {
        guard !details.isEmpty else { return [] }
        let pairs = details.pairs.map { (EscapedText.line($0.key), EscapedText.line($0.value)) }
        return ["details"] + TextTable.pairs(pairs, indent: 2)
    }

    static func table() -> TextTable {
        TextTable([
            ("JOB", .left), ("THING", .left), ("EXECUTION", .right), ("STATUS", .left), ("VERSION", .right),
            ("QUEUED", .left), ("UPDATED", .left),
        ])
    }

    static func row(_ execution: JobExecutionSummary) -> [String] {
        [
            execution.jobId.description, execution.thingName.description, String(execution.executionNumber),
            execution.status.description + (execution.forceCanceled ? " (forced)" : ""),
            String(execution.versionNumber), LocalTime.text(execution.queuedAtMilliseconds),
            LocalTime.text(execution.lastUpdatedAtMilliseconds),
        ]
    }
}
