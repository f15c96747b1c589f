import Foundation

/// The real server binary, and a load on it.
struct ErrandContender: Contender {
    enum Store { case memory, data }

    var name = "errand"
    var load = ErrandLoad()
    var store = Store.memory
    var counter: Counter?
    /// What to do with the server beside the load, once that measures: its preparation makes more events than a watch can
    /// be behind.
    var meanwhile: (@Sendable (_ port: Int) throws -> Watchers)?

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let counting = try counter.map { try $0.attach() }
        let server = try bench.start(
            .errand, try serveArguments(bench), environment: counting?.environment ?? [:])
        let port = try server.servingPort(after: "errand: serving on 127.0.0.1:", withinSeconds: 30)
        let probe = try ServerProbe(port: port, pid: server.pid, page: counting?.page)
        let running = try load.start(shape, port: port, with: bench)
        try running.awaitMeasuring()
        let companion = try meanwhile?(port)
        let eventsBefore = companion?.eventCount ?? 0
        let before = try probe.sample()
        // Our own sample is one; each watch is another, and one more when it was left behind and its client begins it again.
        let watchCount = Double(companion?.count ?? 0)
        var result = try running.result(otherCallCounts: (1 + watchCount)...(1 + 2 * watchCount))
        let after = try probe.sample()
        if let companion {
            result.eventsPerCall = Double(companion.eventCount - eventsBefore) / (after.calls - before.calls)
        }
        probe.close()
        try server.terminate(withinSeconds: 20)
        withExtendedLifetime(companion) {}
        use(before, after, in: &result)
        return result
    }

    private func use(_ before: ServerProbe.Sample, _ after: ServerProbe.Sample, in result: inout LoadResult) {
        let calls = after.calls - before.calls
        result.serverMicrosecondsPerCall = (after.cpuSeconds - before.cpuSeconds) / calls * 1e6
        let counts = zip(before.counts, after.counts).map { $1 - $0 }
        switch counter {
        case .allocations: result.allocationsPerCall = counts[0] / calls
        case .syncs where counts[0] > 0:
            result.callsPerSync = calls / counts[0]
            result.writtenBytesPerCall = counts[1] / calls
        case .syncs, nil: break
        }
    }

    private func serveArguments(_ bench: Bench) throws -> [String] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--log-level", "warning"]
        let features = try bench.serveFeatures()
        switch store {
        case .memory: return arguments + (features.hasMemory ? ["--memory"] : [])
        case .data:
            guard features.hasData else { throw NotMeasuredYet("this `errand serve` has no --data") }
            return arguments + ["--data", try PackageFolder.scratch("errand-data", isEmptied: true)]
        }
    }
}

/// What `errand serve` can do, read from its help: rows wait for the durable store without a change here.
struct ServeFeatures {
    let hasData: Bool
    let hasMemory: Bool

    init(_ help: [String]) {
        hasData = help.contains { $0.contains("--data") }
        hasMemory = help.contains { $0.contains("--memory") }
    }
}
