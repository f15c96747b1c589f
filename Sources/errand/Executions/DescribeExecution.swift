import ArgumentParser
import ErrandClient

struct DescribeExecution: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Show an execution.",
        discussion: """
            Examples:
              errand execution describe firmware-7 press-1
              errand execution describe '$next' press-1 --json

            With '$next' in place of the job it shows what the thing would get next, with the job's document, and does \
            not start it; nothing pending is no failure, and {} with --json.
            """)

    @Argument(help: ArgumentHelp("The job's id, or '$next'.", valueName: "job"), transform: { try JobSelector($0) })
    var job: JobSelector

    @Argument(help: ArgumentHelp("The thing's (device's) name.", valueName: "thing"), transform: { try ThingName($0) })
    var thingName: ThingName

    @Option(parsing: .unconditional, help: "Which attempt; the latest if absent.")
    var number: Int64?

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            switch job {
            case .id(let jobId):
                let execution = try await server.describeJobExecution(
                    DescribeJobExecutionRequest(jobId: jobId, thingName: thingName, executionNumber: number))
                try client.print(execution)
            case .next:
                let execution = try await server.describeOwnJobExecution(
                    DescribeOwnJobExecutionRequest(jobId: nil, thingName: thingName, executionNumber: number))
                try client.print(execution)
            }
        }
    }
}

extension ClientOptions {
    /// An execution, or that there is none.
    func print(_ execution: JobExecution?) throws(CommandFailure) {
        guard let execution else { return try StandardOutput.print(json ? "{}" : "nothing pending") }
        try StandardOutput.print(
            json ? JSONWriter.text { $0.append(execution) } : ExecutionText.lines(execution).joined(separator: "\n"))
    }

    /// What an update or a cancel has made of an execution.
    func print(_ change: JobExecutionChange, jobId: JobId, thingName: ThingName) throws(CommandFailure) {
        try StandardOutput.print(
            json
                ? JSONWriter.text { $0.append(change, jobId: jobId, thingName: thingName) }
                : ExecutionText.lines(change, jobId: jobId, thingName: thingName).joined(separator: "\n"))
    }
}
