import ArgumentParser
import ErrandClient

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Create, describe, change and end jobs.",
        subcommands: [
            CreateJob.self, DescribeJob.self, ListJobs.self, JobDocument.self, UpdateJob.self, RemoveTargets.self,
            CancelJob.self, DeleteJob.self,
        ])
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
            try client.print(try await server.describeJob(jobId: jobId.description))
        }
    }
}

extension ClientOptions {
    func print(_ job: Job) throws(CommandFailure) {
        try StandardOutput.print(
            json ? JSONWriter.text { $0.append(job) } : JobText.lines(job).joined(separator: "\n"))
    }

    /// One sentence, or one object with the same facts.
    func print(_ sentence: String, _ members: (inout JSONWriter) -> Void) throws(CommandFailure) {
        try StandardOutput.print(json ? JSONWriter.text { $0.object(members) } : sentence)
    }
}
