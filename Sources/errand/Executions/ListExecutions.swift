import ArgumentParser
import ErrandClient

struct ListExecutions: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List all executions of a job or of a thing, page after page.",
        discussion: """
            Examples:
              errand execution list --job firmware-7 --status FAILED
              errand execution list --thing press-1 --json

            Of a job in the order queued; of a thing the newest attempt first. With --json one object with the array \
            'executions', written as the pages arrive: use it only if the exit status is 0.
            """)

    @Option(
        parsing: .unconditional, help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var job: JobId?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("The thing's (device's) name.", valueName: "thing"),
        transform: { try ThingName($0) })
    var thing: ThingName?

    @Option(
        help: ArgumentHelp("Only executions with this status, such as QUEUED.", valueName: "status"),
        transform: { try JobExecutionStatus.named($0) })
    var status: JobExecutionStatus?

    @OptionGroup var client: ClientOptions

    func check() throws {
        if (job == nil) == (thing == nil) { throw ValidationError("give either --job or --thing") }
    }

    func run() async throws {
        try await client.withClient { server in
            var output = StandardOutput()
            if client.json {
                try await printJSON(executions(server), server.thingArnPrefix, to: &output)
            } else {
                try await printTable(executions(server), to: &output)
            }
            try output.flush()
        }
    }

    private func executions(_ server: JobExecutionClient) throws -> JobExecutionSequence {
        if let job { return try server.jobExecutions(jobId: job.description, status: status) }
        guard let thing else { throw ValidationError("give either --job or --thing") }
        return try server.jobExecutions(thingName: thing.description, status: status)
    }

    /// Nothing is printed before the first page is there: a refused list leaves standard output empty.
    private func printJSON(
        _ executions: JobExecutionSequence, _ thingArnPrefix: String, to output: inout StandardOutput
    ) async throws {
        var json = JSONWriter()
        json.beginObject()
        json.key("executions")
        json.beginArray()
        for try await execution in executions {
            json.append(execution, thingArnPrefix: thingArnPrefix)
            try output.write(json.take())
        }
        json.endArray()
        json.endObject()
        try output.write(json.take() + "\n")
    }

    private func printTable(_ executions: JobExecutionSequence, to output: inout StandardOutput) async throws {
        var table = ExecutionText.table()
        for try await execution in executions {
            for line in table.add(ExecutionText.row(execution)) { try output.write(line + "\n") }
        }
        for line in table.finish() { try output.write(line + "\n") }
    }
}
