import ArgumentParser
import ErrandClient

struct UpdateExecution: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Report an execution's progress or end, as its device.",
        discussion: """
            Example:
              errand execution update firmware-7 press-1 --status IN_PROGRESS \\
                --detail progress=40/100 --expected-version 2

            Without --detail the stored details stay. An execution that has ended is refused with \
            INVALID_STATE_TRANSITION, another version than the expected one with VERSION_MISMATCH; both say the current state.
            """)

    @OptionGroup var execution: ExecutionArguments

    @Option(
        help: ArgumentHelp("IN_PROGRESS, SUCCEEDED, FAILED or REJECTED.", valueName: "status"),
        transform: { try JobExecutionStatus.named($0) })
    var status: JobExecutionStatus

    @OptionGroup var details: DetailOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Change nothing unless this is the current version.", valueName: "version"))
    var expectedVersion: Int64?

    @Option(parsing: .unconditional, help: "Which attempt; the latest if absent.")
    var number: Int64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Minutes until the execution is TIMED_OUT unless the next report changes that: 1 to 10080; -1 ends the timer.",
            valueName: "minutes"))
    var stepTimeoutMinutes: Int64?

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = UpdateJobExecutionRequest(
            jobId: execution.jobId, thingName: execution.thingName, status: status,
            statusDetails: try details.statusDetails, expectedVersion: expectedVersion, executionNumber: number,
            stepTimeoutInMinutes: stepTimeoutMinutes, includeJobExecutionState: true)
        try await client.withClient { server in
            let change = try await server.updateJobExecution(request)
            try client.print(change, jobId: execution.jobId, thingName: execution.thingName)
        }
    }
}
