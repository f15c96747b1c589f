internal import ErrandClient
internal import ErrandCore

/// One run of a load: fills the server, warms up, measures, and checks that every reply was right.
package enum LoadRun {
    package static func run(_ options: LoadOptions) async throws -> LoadReport {
        let targets = try BenchTargets(
            thingCount: options.thingCount, jobId: "bench-\(UInt32.random(in: 1...UInt32.max))")
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .milliseconds(options.timeoutMilliseconds)
        configuration.callTimeout = .milliseconds(options.timeoutMilliseconds)
        configuration.clientName = "errand-bench"
        let client = try await JobExecutionClient.connect(
            host: options.host, port: Int(options.port), configuration: configuration)
        defer { client.close() }
        try await targets.prepare(with: client, updateTimeout: max(.seconds(60), configuration.callTimeout))
        let load = try Load(
            targets: targets, host: options.host, port: options.port, connectionCount: options.connectionCount,
            inFlight: options.inFlight, operation: options.operation, compression: options.compression,
            timeoutMilliseconds: options.timeoutMilliseconds)
        try await load.open()
        load.begin()
        try await Task.sleep(for: options.warmUp)
        let clock = ContinuousClock()
        let before = await load.snapshot(resets: true)
        let begunAt = clock.now
        try await Task.sleep(for: options.duration)
        let after = await load.snapshot()
        let elapsed = begunAt.duration(to: clock.now)
        try await load.finish()
        return try report(before, after, elapsed)
    }

    private static func report(
        _ before: Load.Snapshot, _ after: Load.Snapshot, _ elapsed: Duration
    ) throws -> LoadReport {
        guard after.wrongCount == 0 else {
            throw ErrandError(.protocolError, "\(after.wrongCount) replies were not what was asked for")
        }
        guard after.callCount > 0 else { throw ErrandError(.deadlineExceeded, "no call was answered") }
        return LoadReport(
            callCount: after.callCount, seconds: elapsed / .seconds(1),
            p50Microseconds: after.histogram.microseconds(at: 0.5),
            p99Microseconds: after.histogram.microseconds(at: 0.99),
            requestByteCount: Int(after.sentByteCount - before.sentByteCount) / after.callCount,
            replyByteCount: Int(after.receivedByteCount - before.receivedByteCount) / after.callCount)
    }
}
