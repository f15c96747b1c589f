import ArgumentParser
import ErrandClient

struct UpdateJob: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change a job that is IN_PROGRESS.",
        discussion: """
            Examples:
              errand job update firmware-7 --max-per-minute 500
              errand job update firmware-7 --end-retries --abort FAILED=10%,min=100

            What is not given stays. A rollout replaces the whole rollout, --abort all criteria; the time limit is for \
            executions that are started afterwards. It prints the job as it is then.
            """)

    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @Option(parsing: .unconditional, help: "What people call the job; up to 2,028 characters.")
    var description: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Minutes after which an execution that is started from now on and has not ended is TIMED_OUT: 1 to 10080.",
            valueName: "minutes"))
    var inProgressTimeoutMinutes: Int64?

    @OptionGroup var rollout: RolloutOptions

    @Flag(help: "Abort the job for nothing any more.")
    var clearAbort = false

    @Flag(help: "No execution is retried any more.")
    var endRetries = false

    @OptionGroup var client: ClientOptions

    func check() throws {
        if clearAbort && !rollout.abortCriteria.isEmpty {
            throw ValidationError("--clear-abort and --abort exclude each other")
        }
        let isEmpty =
            description == nil && inProgressTimeoutMinutes == nil && rollout.rollout == nil && abortCriteria == nil
        if isEmpty && !endRetries { throw ValidationError("nothing to change: give an option") }
    }

    private var abortCriteria: [AbortCriterion]? {
        clearAbort || !rollout.abortCriteria.isEmpty ? rollout.abortCriteria : nil
    }

    func run() async throws {
        let request = UpdateJobRequest(
            jobId: jobId, description: description, inProgressTimeoutInMinutes: inProgressTimeoutMinutes,
            rollout: rollout.rollout, abortCriteria: abortCriteria, endsRetries: endRetries)
        try await client.withClient { server in try client.print(try await server.updateJob(request)) }
    }
}

struct RemoveTargets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove-targets", abstract: "Take things out of a job.",
        discussion: """
            Example:
              errand job remove-targets firmware-7 --target press-1 --target press-2

            Their open executions become REMOVED and are not retried; things that were not queued yet are no targets any \
            more. Things that are no targets, or have ended, are left alone.
            """)

    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @OptionGroup var targets: TargetOptions

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let names = try targets.names()
        try await client.withClient { server in
            let count = try await server.removeJobTargets(RemoveJobTargetsRequest(jobId: jobId, targets: names))
            let things = names.count == 1 ? "thing" : "things"
            try client.print("removed \(count) of \(names.count) \(things) from \(jobId)") {
                $0.member("jobId", jobId.description)
                $0.member("removedCount", count)
            }
        }
    }
}
