import ArgumentParser
import ErrandClient
import ErrandCore

/// Measures a deployment from outside.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running server: calls per second and latency of a closed loop of calls.",
        discussion: """
            Creates a job of its own with --things executions, each started with three details, and then keeps \
            --in-flight calls unanswered on each of --connections connections, with random things. Every reply is \
            checked. The job stays on the server; run it against one that may be filled.

              errand bench --server 127.0.0.1:5740 --connections 64 --in-flight 16
            """)

    @Option(help: "HOST:PORT of the server.") var server = "127.0.0.1:5740"
    @Option(help: "Connections.") var connections = 64
    @Option(name: .customLong("in-flight"), help: "Unanswered calls on each connection.") var inFlight = 16
    @Option(help: "describe, update or mixed (one update in ten).") var operation = "describe"
    @Option(help: "Seconds to measure.") var seconds = 5
    @Option(name: .customLong("warm-up"), help: "Seconds before that.") var warmUp = 1
    @Option(help: "Distinct executions.") var things = 100_000
    @Flag(help: "Ask for zlib.") var compress = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        guard let operation = BenchOperation(rawValue: operation) else {
            throw ValidationError("--operation is describe, update or mixed")
        }
        let parts = server.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { throw ValidationError("--server is HOST:PORT") }
        let host = String(parts[0])
        let targets = try BenchTargets(thingCount: things, jobId: "bench-\(UInt32.random(in: 1...UInt32.max))")
        let client = try await JobExecutionClient.connect(host: host, port: Int(port))
        try await targets.prepare(with: client)
        let load = try Load(
            targets: targets, host: host, port: port, connectionCount: connections, inFlight: inFlight,
            operation: operation, compression: compress)
        try await load.open()
        load.begin()
        try await Task.sleep(for: .seconds(warmUp))
        let clock = ContinuousClock()
        let before = await load.snapshot(resets: true)
        let begunAt = clock.now
        try await Task.sleep(for: .seconds(seconds))
        let after = await load.snapshot()
        let elapsed = begunAt.duration(to: clock.now)
        try await load.finish()
        client.close()
        try report(before, after, elapsed)
    }

    private func report(_ before: Load.Snapshot, _ after: Load.Snapshot, _ elapsed: Duration) throws {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let calls = after.callCount
        guard after.wrongCount == 0 else {
            throw LoadFailure(description: "\(after.wrongCount) replies were not what was asked for")
        }
        guard calls > 0 else { throw LoadFailure(description: "no call was answered") }
        let rate = Double(calls) / seconds
        let requestBytes = Int(after.sentByteCount - before.sentByteCount) / calls
        let replyBytes = Int(after.receivedByteCount - before.receivedByteCount) / calls
        let p50 = after.histogram.microseconds(at: 0.5)
        let p99 = after.histogram.microseconds(at: 0.99)
        if json {
            print(
                """
                {"calls":\(calls),"seconds":\(seconds),"callsPerSecond":\(rate),"p50Microseconds":\(p50),\
                "p99Microseconds":\(p99),"requestBytes":\(requestBytes),"replyBytes":\(replyBytes),\
                "connections":\(connections),"inFlight":\(inFlight)}
                """)
        } else {
            print("\(Int(rate)) calls/s, p50 \(p50) µs, p99 \(p99) µs, \(requestBytes) B + \(replyBytes) B a call")
        }
    }
}
