import ArgumentParser
import ErrandClient

struct CancelJob: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel a job and its executions.",
        discussion: """
            Example:
              errand job cancel firmware-7 --force --reason-code RECALLED \\
                --comment 'bricks press-2'

            QUEUED executions become CANCELED; those IN_PROGRESS may still finish, unless --force cancels them too. It \
            prints the job as it is then. A job that is COMPLETED is refused with INVALID_STATE_TRANSITION.
            """)

    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @Flag(help: "Cancel also the executions that devices work on.")
    var force = false

    @Option(help: ArgumentHelp("Why, for programs: up to 128 of A-Z, 0-9 and _.", valueName: "code"))
    var reasonCode: String?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Why, for people: up to 2,028 characters.", valueName: "text"))
    var comment: String?

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = CancelJobRequest(jobId: jobId, force: force, reasonCode: reasonCode, comment: comment)
        try await client.withClient { server in try client.print(try await server.cancelJob(request)) }
    }
}

struct DeleteJob: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a job and all its executions.",
        discussion: """
            Example: errand job delete firmware-6

            A job that is neither COMPLETED nor CANCELED is deleted only with --force. Then its id is free again.
            """)

    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @Flag(help: "Delete it even while it is IN_PROGRESS.")
    var force = false

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            try await server.deleteJob(DeleteJobRequest(jobId: jobId, force: force))
            try client.print("deleted \(jobId)") { $0.member("jobId", jobId.description) }
        }
    }
}
