internal import ErrandClient
internal import ErrandCore

/// What makes calls: `Load` on the wire, `ClientLoad` through the public API.
protocol LoadSource: Sendable {
    /// Opens the connections and waits until all are greeted.
    func open() async throws
    /// Starts every connection's calls.
    func begin()
    /// Reads the counters; `resets` begins a new measurement at the same moment.
    func snapshot(resets: Bool) async -> LoadSnapshot
    /// Lets every call in flight end, then closes.
    func finish() async throws
}

/// One run of a load: fills the server, warms up, measures, and checks that every reply was right.
package enum LoadRun {
    package static func run(_ options: LoadOptions, observer: LoadObserver = LoadObserver()) async throws -> LoadReport
    {
        let targets = try BenchTargets(
            thingCount: options.thingCount, jobId: "bench-\(UInt32.random(in: 1_000_000_000...UInt32.max))")
        let configuration = options.clientConfiguration
        let client = try await JobExecutionClient.connect(
            host: options.host, port: Int(options.port), configuration: configuration)
        defer { client.close() }
        try await targets.prepare(with: client, updateTimeout: max(.seconds(60), configuration.callTimeout))
        let load: any LoadSource =
            switch options.layer {
            case .wire: try Load(targets: targets, options: options)
            case .client: try ClientLoad(targets: targets, options: options)
            }
        try await load.open()

        let serverCountBefore = try await client.serverInfo().callCount
        load.begin()
        try await watch(load, for: options.warmUp, observer)
        let clock = ContinuousClock()
        let before = await load.snapshot(resets: true)
        let begunAt = clock.now
        try observer.measuring()
        try await watch(load, for: options.duration, observer)
        let after = await load.snapshot(resets: false)
        let elapsed = begunAt.duration(to: clock.now)
        try await load.finish()

        let end = await load.snapshot(resets: false)
        guard end.wrongCount == 0 else {
            throw ErrandError(.protocolError, "\(end.wrongCount) replies were not what was asked for")
        }
        guard after.callCount > 0 else { throw ErrandError(.deadlineExceeded, "no call was answered") }
        // The second question is a call as well.
        let serverCount = try await client.serverInfo().callCount &- serverCountBefore &- 1
        return LoadReport(
            before, after, seconds: elapsed / .seconds(1), answeredCallCount: end.answeredCallCount,
            serverCallCount: Int(clamping: serverCount))
    }

    private static func watch(_ load: any LoadSource, for duration: Duration, _ observer: LoadObserver) async throws {
        let clock = ContinuousClock()
        let ends = clock.now + duration
        while clock.now < ends {
            try await Task.sleep(until: min(ends, clock.now + .milliseconds(100)), clock: clock)
            let now = await load.snapshot(resets: false)
            if let failure = now.failure { throw failure }
            observer.progressed(now.answeredCallCount)
        }
    }
}

extension LoadOptions {
    var clientConfiguration: ClientConfiguration {
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .milliseconds(timeoutMilliseconds)
        configuration.callTimeout = .milliseconds(timeoutMilliseconds)
        configuration.compression = compression ? .on : .off
        configuration.clientName = "errand-bench"
        return configuration
    }
}
