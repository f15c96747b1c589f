import ArgumentParser
import ErrandClient

struct ExecutionHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show what happened to an execution, the oldest first.",
        discussion: """
            Example: errand execution history firmware-7 press-1 --json

            Its changes, who made them, and the reports that were refused because it had ended. The history is bounded: \
            a line says how many entries in its middle were dropped. With --json an object with 'history' and \
            'droppedCount'.
            """)

    @OptionGroup var execution: ExecutionArguments

    @Option(parsing: .unconditional, help: "Which attempt; the latest if absent.")
    var number: Int64?

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            let history = try await allPages(server)
            try StandardOutput.print(client.json ? json(history) : text(history).joined(separator: "\n"))
        }
    }

    private func allPages(_ server: JobExecutionClient) async throws(ErrandError) -> JobExecutionHistoryPage {
        var request = GetJobExecutionHistoryRequest(
            jobId: execution.jobId, thingName: execution.thingName, executionNumber: number)
        var all = try await server.getJobExecutionHistory(request)
        while let token = all.nextToken {
            request.nextToken = token
            let page = try await server.getJobExecutionHistory(request)
            all.entries += page.entries
            all.droppedCount = page.droppedCount
            all.nextToken = page.nextToken
        }
        return all
    }

    private func json(_ history: JobExecutionHistoryPage) -> String {
        JSONWriter.text { json in
            json.object { json in
                json.key("history")
                json.array { json in
                    for entry in history.entries { json.append(entry) }
                }
                json.member("droppedCount", history.droppedCount)
            }
        }
    }

    private func text(_ history: JobExecutionHistoryPage) -> [String] {
        var table = TextTable([
            ("AT", .left), ("BY", .left), ("FROM", .left), ("TO", .left), ("VERSION", .right), ("DETAILS", .left),
        ])
        var lines: [String] = []
        for entry in history.entries {
            let details = entry.statusDetails.pairs.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            lines += table.add([
                LocalTime.text(entry.atMilliseconds), entry.actor.description, entry.fromStatus?.description ?? "",
                entry.toStatus.description + (entry.kind == .refusedReport ? " (refused)" : ""),
                String(entry.versionNumber), EscapedText.line(details),
            ])
        }
        lines += table.finish()
        if history.droppedCount > 0 { lines.append("\(history.droppedCount) entries in the middle were dropped") }
        return lines
    }
}

struct DeleteExecution: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete one attempt of an execution.",
        discussion: """
            Example: errand execution delete firmware-7 press-1 --number 1

            One that is IN_PROGRESS is deleted only with --force; its device then gets NOT_FOUND.
            """)

    @OptionGroup var execution: ExecutionArguments

    @Option(parsing: .unconditional, help: "Which attempt.")
    var number: Int64

    @Flag(help: "Delete it even while its device works on it.")
    var force = false

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let (jobId, thingName) = (execution.jobId, execution.thingName)
        try await client.withClient { server in
            try await server.deleteJobExecution(
                DeleteJobExecutionRequest(
                    jobId: jobId, thingName: thingName, executionNumber: number, force: force))
            try client.print("deleted execution \(number) of \(jobId) on \(thingName)") {
                $0.member("jobId", jobId.description)
                $0.member("thingName", thingName.description)
                $0.member("executionNumber", number)
            }
        }
    }
}
