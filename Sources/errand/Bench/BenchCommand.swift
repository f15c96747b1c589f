import ArgumentParser
import ErrandClient
import ErrandLoad

/// Measures a deployment from outside.
struct BenchCommand: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running server: calls per second and latency of a closed loop of calls.",
        discussion: """
            Creates a job of its own with --things executions, each started with three details, and then keeps \
            --in-flight calls unanswered on each of --connections connections, with random things. Every reply is \
            checked. The job stays on the server; run it against one that may be filled.

            Example:
              errand bench --server 127.0.0.1:5740 --connections 64 --in-flight 16

            With --json: calls, seconds, callsPerSecond, p50Microseconds, p99Microseconds, requestBytes, replyBytes, \
            connections, inFlight.
            """)

    @Option(help: "Connections, 1 to 10000.") var connections = 64
    @Option(help: "Unanswered calls on each connection, 1 to 1024.") var inFlight = 16
    @Option(help: "describe, update or mixed (one update in ten).") var operation = LoadOptions.Operation.describe
    @Option(help: "Seconds to measure, 1 to 3600.") var seconds = 5
    @Option(help: "Seconds before that, 0 to 3600.") var warmUp = 1
    @Option(help: "Distinct executions, 1 to 1000000.") var things = 100_000
    @Flag(help: "Ask for zlib.") var compress = false

    @OptionGroup var client: ClientOptions

    func check() throws {
        for (name, value, range) in [
            ("--connections", connections, 1...10_000), ("--in-flight", inFlight, 1...1024),
            ("--seconds", seconds, 1...3600), ("--warm-up", warmUp, 0...3600), ("--things", things, 1...1_000_000),
        ] where !range.contains(value) {
            throw ValidationError("\(name) is \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() async throws {
        let server = try client.serverToCall()
        var options = LoadOptions(host: server.host, port: server.port)
        options.connectionCount = connections
        options.inFlight = inFlight
        options.operation = operation
        options.warmUp = .seconds(warmUp)
        options.duration = .seconds(seconds)
        options.thingCount = things
        options.compression = compress
        options.timeoutMilliseconds = client.timeout.milliseconds
        let report: LoadReport
        do {
            report = try await LoadRun.run(options)
        } catch let error as ErrandError {
            throw CommandFailure(error, asJSON: client.json)
        }
        try StandardOutput.print(client.json ? line(report) : text(report))
    }

    private func text(_ report: LoadReport) -> String {
        """
        \(Int(report.callsPerSecond)) calls/s, p50 \(report.p50Microseconds) µs, p99 \(report.p99Microseconds) µs, \
        \(report.requestByteCount) B + \(report.replyByteCount) B a call
        """
    }

    private func line(_ report: LoadReport) -> String {
        """
        {"calls":\(report.callCount),"seconds":\(report.seconds),"callsPerSecond":\(report.callsPerSecond),\
        "p50Microseconds":\(report.p50Microseconds),"p99Microseconds":\(report.p99Microseconds),\
        "requestBytes":\(report.requestByteCount),"replyBytes":\(report.replyByteCount),\
        "connections":\(connections),"inFlight":\(inFlight)}
        """
    }
}

extension LoadOptions.Operation: ExpressibleByArgument {}
