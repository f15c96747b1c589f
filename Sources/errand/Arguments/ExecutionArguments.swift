import ArgumentParser
import ErrandClient

/// Which job a device means: one by its id, or whatever comes next.
enum JobSelector: Equatable {
    case next
    case id(JobId)

    init(_ text: String) throws(InvalidField) {
        self = text == "$next" ? .next : .id(try JobId(text))
    }
}

extension JobExecutionStatus {
    /// The status that `text` names, in any case.
    static func named(_ text: String) throws(BadArgument) -> JobExecutionStatus {
        guard let status = JobExecutionStatus(name: text.uppercased()) else {
            let names = allCases.map(\.description).joined(separator: ", ")
            throw BadArgument("'\(text)' is not one of \(names)")
        }
        return status
    }
}

/// `JOB THING`, which name an execution together.
struct ExecutionArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The job's id.", valueName: "job"), transform: { try JobId($0) })
    var jobId: JobId

    @Argument(help: ArgumentHelp("The thing's (device's) name.", valueName: "thing"), transform: { try ThingName($0) })
    var thingName: ThingName
}

/// `--detail K=V`, as often as needed.
struct DetailOptions: ParsableArguments {
    @Option(
        name: .customLong("detail"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A status detail; repeat it for more, up to 10. They replace all that are stored.", valueName: "key=value"),
        transform: { try Detail($0) })
    var details: [Detail] = []

    var statusDetails: StatusDetails? {
        get throws(CommandFailure) { try Detail.statusDetails(details) }
    }
}
