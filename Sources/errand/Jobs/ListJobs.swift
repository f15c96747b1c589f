import ArgumentParser
import ErrandClient

struct ListJobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List all jobs in the order created, page after page.",
        discussion: """
            Example: errand job list --status IN_PROGRESS --json

            With --json one object with the array 'jobs', written as the pages arrive: use it only if the exit status is 0.
            """)

    @Option(
        help: ArgumentHelp(
            "Only jobs with this status: IN_PROGRESS, COMPLETED, CANCELED or DELETION_IN_PROGRESS.",
            valueName: "status"),
        transform: { text throws(BadArgument) in
            guard let status = JobStatus.allCases.first(where: { $0.description == text.uppercased() }) else {
                let names = JobStatus.allCases.map(\.description).joined(separator: ", ")
                throw BadArgument("'\(text)' is not one of \(names)")
            }
            return status
        })
    var status: JobStatus?

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            var output = StandardOutput()
            if client.json {
                try await printJSON(server.jobs(status: status), to: &output)
            } else {
                try await printTable(server.jobs(status: status), to: &output)
            }
            try output.flush()
        }
    }

    /// Nothing is printed before the first page is there: a refused list leaves standard output empty.
    private func printJSON(_ jobs: JobSequence, to output: inout StandardOutput) async throws {
        var json = JSONWriter()
        json.beginObject()
        json.key("jobs")
        json.beginArray()
        for try await job in jobs {
            json.append(job)
            try output.write(json.take())
        }
        json.endArray()
        json.endObject()
        try output.write(json.take() + "\n")
    }

    private func printTable(_ jobs: JobSequence, to output: inout StandardOutput) async throws {
        var table = JobText.table()
        for try await job in jobs {
            for line in table.add(JobText.row(job)) { try output.write(line + "\n") }
        }
        for line in table.finish() { try output.write(line + "\n") }
    }
}

struct JobDocument: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "document", abstract: "Print a job's document.",
        discussion: """
            Example: errand job document firmware-7 > job.json

            As it was given, with a line end after it; on a terminal control characters are escaped. With --json an \
            object with the member 'document'.
            """)

    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            let document = try await server.getJobDocument(GetJobDocumentRequest(jobId: jobId))
            try client.print(StandardOutput.isTerminal ? EscapedText.lines(document) : document) {
                $0.member("document", document)
            }
        }
    }
}
