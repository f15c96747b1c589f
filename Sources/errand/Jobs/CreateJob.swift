import ArgumentParser
import ErrandClient
import ErrandCore

struct CreateJob: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a job for one thing, or for up to a million.",
        discussion: """
            Examples:
              errand job create firmware-7 --document job.json --target press-1
              generate-names | \\
                errand job create firmware-7 --document job.json --targets-file -
              errand job create firmware-7 --document job.json \\
                --targets-file all.txt --max-per-minute 100 \\
                --retry FAILED=3 --retry TIMED_OUT=1 --abort FAILED=20%,min=50

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

    @OptionGroup var targets: TargetOptions

    @Option(parsing: .unconditional, help: "What people call the job; up to 2,028 characters.")
    var description: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Minutes after which an execution that was started and has not ended is TIMED_OUT: 1 to 10080.",
            valueName: "minutes"))
    var inProgressTimeoutMinutes: Int64?

    @Option(
        name: .customLong("retry"),
        help: ArgumentHelp(
            "How often a thing that ended so tries again: FAILED=3, TIMED_OUT=2, or ALL=5 for both; 10 in total.",
            valueName: "type=count"),
        transform: { try RetryCriterion(argument: $0) })
    var retryCriteria: [RetryCriterion] = []

    @OptionGroup var rollout: RolloutOptions

    @Flag(help: .hidden)
    var continuous = false

    @OptionGroup var client: ClientOptions

    func check() throws {
        if continuous {
            throw ValidationError("continuous jobs are not supported: a job is for the things that it is created with")
        }
        if document == "-" && targets.targetsFile == "-" {
            throw ValidationError("--document and --targets-file cannot both read standard input")
        }
    }

    func run() async throws {
        let text = try InputFile.text(document, byteCountMax: FieldLimits.jobDocumentByteCountMax)
        let names = try targets.names()
        let configuration = JobConfiguration(
            inProgressTimeoutInMinutes: inProgressTimeoutMinutes, retryCriteria: retryCriteria,
            rollout: rollout.rollout, abortCriteria: rollout.abortCriteria)
        try await client.withClient { server in
            let progress = ProgressLine("sending targets", total: names.count)
            defer { progress.finish() }
            try await server.createJob(
                jobId: jobId, document: text, targets: names, description: description, configuration: configuration
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
