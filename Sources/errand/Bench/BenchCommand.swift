import ArgumentParser
import ErrandClient
import ErrandLoad

/// Measures a deployment from outside.
struct BenchCommand: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running server: calls per second and latency.",
        discussion: """
            Creates a job of its own with --things executions, each started with three details, and then keeps \
            --in-flight calls unanswered on each of --connections connections, with random things: a closed loop. With \
            --rate calls are begun at that rate whatever the server does, and latencies count from the moment a call was \
            due: an open loop, in which the calls that are due together go over one connection while it has room. Every reply is checked. \
            The job stays on the server; run it against one that may be filled.

            Examples:
              errand bench --server 127.0.0.1:5740 --connections 64 --in-flight 16
              errand bench --operation update --rate 5000
              errand bench --layer client --connections 1 --in-flight 256

            With --json: calls, seconds, callsPerSecond, p50Microseconds, p99Microseconds, percentiles (pairs of per cent \
            and microseconds), requestBytes, replyBytes, connections, inFlight, and allCalls and serverCalls, the number \
            of calls by the load's own count and by the server's.
            """)

    @Option(help: "Connections, 1 to 10000.") var connections = 64
    @Option(help: "Unanswered calls on each connection, 1 to 1024.") var inFlight = 16
    @Option(help: "describe, update or mixed (one update in ten).") var operation = LoadOptions.Operation.describe
    @Option(help: "Begin this many calls a second, 1 to 10000000, whatever is answered.") var rate: Int?
    @Option(
        help: "wire, the client's lowest layer; or client, the public async API, with a task for each call in flight.")
    var layer = LoadOptions.Layer.wire
    @Flag(help: "With --layer client: tasks run on the default executor, not on the client's.") var defaultExecutor =
        false
    @Option(help: "More connections that say nothing, 0 to 60000.") var idleConnections = 0
    @Option(help: "Seconds to measure, 1 to 3600.") var seconds = 5
    @Option(help: "Seconds before that, 0 to 3600.") var warmUp = 1
    @Option(help: "Distinct executions, 1 to 1000000.") var things = 100_000
    @Flag(help: "Ask for zlib.") var compress = false
    @Flag(help: "Print a line 'measuring' when the warm-up is over.") var announce = false

    @OptionGroup var client: ClientOptions

    func check() throws {
        for (name, value, range) in [
            ("--connections", connections, 1...10_000), ("--in-flight", inFlight, 1...1024),
            ("--seconds", seconds, 1...3600), ("--warm-up", warmUp, 0...3600), ("--things", things, 1...1_000_000),
            ("--rate", rate ?? 1, 1...10_000_000), ("--idle-connections", idleConnections, 0...60_000),
        ] where !range.contains(value) {
            throw ValidationError("\(name) is \(range.lowerBound) to \(range.upperBound)")
        }
        guard layer == .wire || (rate == nil && idleConnections == 0) else {
            throw ValidationError("--rate and --idle-connections are for --layer wire")
        }
    }

    func run() async throws {
        let server = try client.serverToCall()
        var options = LoadOptions(host: server.host, port: server.port)
        options.layer = layer
        options.connectionCount = connections
        options.idleConnectionCount = idleConnections
        options.callsPerSecond = rate
        options.usesClientExecutor = !defaultExecutor
        options.inFlight = inFlight
        options.operation = operation
        options.warmUp = .seconds(warmUp)
        options.duration = .seconds(seconds)
        options.thingCount = things
        options.compression = compress
        options.timeoutMilliseconds = client.timeout.milliseconds
        let meter = RateMeter(seconds: warmUp + seconds)
        defer { meter.finish() }
        let report: LoadReport
        do {
            report = try await LoadRun.run(options, observer: observer(meter))
        } catch let error as ErrandError {
            throw CommandFailure(error, asJSON: client.json)
        }
        try StandardOutput.print(client.json ? line(report) : text(report))
    }

    private func observer(_ meter: RateMeter) -> LoadObserver {
        var observer = LoadObserver()
        observer.progressed = { meter.update($0) }
        observer.measuring = { [announce] in if announce { try StandardOutput.print("measuring") } }
        return observer
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
        "percentiles":[\(report.percentiles.map { "[\($0.percent),\($0.microseconds)]" }.joined(separator: ","))],\
        "requestBytes":\(report.requestByteCount),"replyBytes":\(report.replyByteCount),\
        "connections":\(connections),"inFlight":\(inFlight),\
        "allCalls":\(report.answeredCallCount),"serverCalls":\(report.serverCallCount)}
        """
    }
}

extension LoadOptions.Layer: ExpressibleByArgument {}
extension LoadOptions.Operation: ExpressibleByArgument {}
