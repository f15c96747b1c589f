import ArgumentParser
import ErrandClient

struct WatchCommand: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show what changes, as it changes.",
        discussion: """
            Example: errand watch --job firmware-7

            Without an option everything is watched, with --job a job and all its executions, with --thing all \
            executions of a thing, with both that execution. A line for each change: when, its revision, the job, the \
            thing, the attempt, from which status to which, the version, who, and the details. With --json an object for \
            each, on a line of its own.

            --job alone ends with its job: with status 0 when it is COMPLETED, with 1 when it is CANCELED or deleted. On \
            a terminal it paints a bar with the rate and the time left in place of the lines; --events gives the lines.

            When the connection is lost the watch goes on by itself, without gap or repetition. Ctrl-C ends it, and says \
            the revision from which --from goes on later.
            """)

    @Option(parsing: .unconditional, help: "Changes of this job.", transform: { try JobId($0) })
    var job: JobId?

    @Option(parsing: .unconditional, help: "Changes of this thing.", transform: { try ThingName($0) })
    var thing: ThingName?

    @Option(
        help: ArgumentHelp("Go on behind this revision, if the server still keeps what came after.", valueName: "rev"))
    var from: UInt64?

    @Flag(help: "The pending list of --thing whenever it changes, and its head, in place of changes.")
    var queue = false

    @Flag(help: "Lines in place of the bar of a job.")
    var events = false

    @OptionGroup var client: ClientOptions

    func check() throws {
        if queue, thing == nil { throw ValidationError("--queue needs --thing.") }
        if queue, job != nil || from != nil { throw ValidationError("--queue goes with --thing alone.") }
    }

    private var scope: WatchScope {
        switch (job, thing) {
        case (nil, nil): .everything
        case (let job?, nil): .job(job)
        case (nil, let thing?): .thing(thing)
        case (let job?, let thing?): .execution(job, thing)
        }
    }

    func run() async throws {
        try await client.withClient { server in
            if queue, let thing {
                try await QueueWatch(thing: thing, asJSON: client.json).run(on: server)
                return
            }
            let changes = try await server.watch(scope, fromRevision: from)
            if let job, thing == nil {
                // Watched first, then read: nothing that happens in between is missed.
                let now = try await server.describeJob(jobId: job.description)
                if !client.json, !events, StandardError.isTerminal {
                    try await JobBar(job: job, changes: changes).run(on: server, from: now)
                } else {
                    try await EventLines(changes: changes, asJSON: client.json, showsPast: from != nil).run(
                        untilTheEndOf: now)
                }
            } else {
                try await EventLines(changes: changes, asJSON: client.json, showsPast: from != nil).run(
                    untilTheEndOf: nil)
            }
        }
    }
}
