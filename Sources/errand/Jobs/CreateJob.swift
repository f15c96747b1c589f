import ArgumentParser
import ErrandClient
import ErrandCore

struct CreateJob: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a job for one thing, or for up to a million.",
        discussion: """
            Examples:
              errand job create firmware-7 --document job.json --target press-1 --target press-2
              generate-names | errand job create firmware-7 --document job.json --targets-file -

            The job appears whole, when all targets have arrived. To repeat the same command is harmless: it completes \
            what was cut off. The same id with other content is refused with ALREADY_EXISTS.
            """)

    @Argument(
        help: ArgumentHelp("The job's id: 1 to 64 of a-z, A-Z, 0-9, _ and -.", valueName: "job"),
        transform: { try JobId($0) })
    var jobId: JobId

    @Option(
        help: ArgumentHelp(
            "A file with the job's JSON document, up to 32,768 bytes; - reads standard input.", valueName: "file"))
    var document: String

    @Option(
        name: .customLong("target"),
        help: ArgumentHelp("A thing that gets the job; repeat it for more.", valueName: "thing"),
        transform: { try ThingName($0) })
    var targets: [ThingName] = []

    @Option(
        help: ArgumentHelp(
            "A file with a thing's name on each line; blank lines and lines that begin with # do not count, - reads standard input.",
            valueName: "file"))
    var targetsFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Minutes after which an execution that was started and has not ended is TIMED_OUT: 1 to 10080.",
            valueName: "minutes"))
    var inProgressTimeoutMinutes: Int64?

    @OptionGroup var client: ClientOptions

    func validate() throws {
        if targets.isEmpty && targetsFile == nil {
            throw ValidationError("no targets: give --target or --targets-file")
        }
        if document == "-" && targetsFile == "-" {
            throw ValidationError("--document and --targets-file cannot both read standard input")
        }
    }

    func run() async throws {
        let text = try InputFile.text(document, byteCountMax: FieldLimits.jobDocumentByteCountMax)
        var list = TargetList(targets)
        if let targetsFile { try list.append(fromFile: targetsFile) }
        guard !list.names.isEmpty else {
            throw CommandFailure(.usage, "no targets: \(targetsFile ?? "the list") names none")
        }
        let names = list.names
        try await client.withClient { server in
            let progress = ProgressLine("sending targets", total: names.count)
            defer { progress.finish() }
            try await server.createJob(
                jobId: jobId, document: text, targets: names, inProgressTimeoutInMinutes: inProgressTimeoutMinutes
            ) { progress.update($0) }
            progress.finish()
            try StandardOutput.print(result(targetCount: names.count))
        }
    }

    private func result(targetCount: Int) -> String {
        guard client.json else {
            return "created \(jobId) for \(targetCount) \(targetCount == 1 ? "target" : "targets")"
        }
        return JSONWriter.text { json in
            json.object {
                $0.member("jobId", jobId.description)
                $0.member("targetCount", targetCount)
            }
        }
    }
}
