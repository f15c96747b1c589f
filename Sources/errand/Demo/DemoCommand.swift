import ArgumentParser

struct DemoCommand: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Roll out firmware to a simulated fleet, over real TCP, and check every outcome.",
        discussion: """
            Example: errand demo --things 2000

            Starts a server on a free loopback port and creates a firmware job. Each device pulls its execution, reports \
            progress, and finishes: some fail, some reject, some fall silent and time out, some never come, while an \
            operator cancels queued and running ones. The devices share at most 32 connections. What the server lists at \
            the end must agree with what devices and operator saw, execution by execution; otherwise the demo says what \
            differs and ends with status 1.

            With --json: things, executions, succeeded, failed, rejected, canceled, timedOut, queued, inProgress, calls, \
            callsPerSecond, wireBytes, rawBytes, seconds. Calls, bytes and seconds are those of the fleet's work, without \
            the reading back.
            """)

    @Option(help: ArgumentHelp("How many devices, 1 to 1000000.", valueName: "count"))
    var things = 1000

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    func check() throws {
        guard (1...TargetList.countMax).contains(things) else {
            throw ValidationError("--things takes 1 to \(TargetList.countMax)")
        }
    }

    func run() async throws {
        let report = try await Demo(thingCount: things).run()
        try StandardOutput.print(json ? report.json : report.table.joined(separator: "\n"))
    }
}
