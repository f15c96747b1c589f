import ArgumentParser
import ErrandClient

struct CancelExecution: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel an execution, as an operator.",
        discussion: """
            Example:
              errand execution cancel firmware-7 press-1 --force --detail reason=recalled

            One that is IN_PROGRESS is canceled only with --force; one that has ended is refused with \
            INVALID_STATE_TRANSITION and its state.
            """)

    @OptionGroup var execution: ExecutionArguments

    @Flag(help: "Cancel it even while its device works on it.")
    var force = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Change nothing unless this is the current version.", valueName: "version"))
    var expectedVersion: Int64?

    @Option(parsing: .unconditional, help: "Which attempt; the latest if absent.")
    var number: Int64?

    @OptionGroup var details: DetailOptions

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = CancelJobExecutionRequest(
            jobId: execution.jobId, thingName: execution.thingName, force: force, expectedVersion: expectedVersion,
            executionNumber: number, statusDetails: try details.statusDetails)
        try await client.withClient { server in
            let change = try await server.cancelJobExecution(request)
            try client.print(change, jobId: execution.jobId, thingName: execution.thingName)
        }
    }
}
