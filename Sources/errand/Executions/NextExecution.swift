import ArgumentParser
import ErrandClient

struct NextExecution: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "next", abstract: "Start a thing's next execution and show it with the job's document.",
        discussion: """
            Example:
              errand execution next press-1 --detail step=download

            One that is IN_PROGRESS already is shown as it is, so to repeat the command is harmless. Nothing pending is \
            no failure, and {} with --json.
            """)

    @Argument(help: ArgumentHelp("The thing's (device's) name.", valueName: "thing"), transform: { try ThingName($0) })
    var thingName: ThingName

    @OptionGroup var details: DetailOptions

    @OptionGroup var client: ClientOptions

    func run() async throws {
        let request = StartNextPendingJobExecutionRequest(
            thingName: thingName, statusDetails: try details.statusDetails)
        try await client.withClient { server in
            try client.print(try await server.startNextPendingJobExecution(request))
        }
    }
}
