import ArgumentParser
import ErrandClient

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Create and describe jobs.", subcommands: [CreateJob.self, DescribeJob.self])
}

struct DescribeJob: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Show a job and how many of its things have which status.",
        discussion: "Example: errand job describe firmware-7 --json")

    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            let job = try await server.describeJob(jobId: jobId.description)
            try StandardOutput.print(
                client.json ? JSONWriter.text { $0.append(job) } : ExecutionText.lines(job).joined(separator: "\n"))
        }
    }
}
