/// Updates that are on the disk before they are acknowledged.
struct DurableUpdates {
    /// 3,200 in flight.
    static let shape = LoadShape(connections: 50, inFlight: 64)

    static func contender(callsPerSecond: Int? = nil) -> ErrandContender {
        var load = ErrandLoad()
        load.operation = .update
        load.callsPerSecond = callsPerSecond
        return ErrandContender(name: "errand, durable", load: load, store: .data, counter: .syncs)
    }

    /// What our store's groups look like, counted in its process by one short run: how many updates one sync makes durable.
    /// The floor gets groups as large, of as many bytes as an update has on the wire: what a store writes beyond that
    /// (pages, indexes, checkpoints) is its own doing and no excuse.
    struct Groups {
        var callsPerSync = Double(shape.connections * shape.inFlight)
        var bytesPerCall = 250.0
        var peakCallsPerSecond: Double?
    }

    /// Without a durable store of ours the floor is measured with the groups that the load would allow at best.
    static func groups(with bench: Bench) throws -> Groups {
        do {
            let result = try bench.withTiming(.trial) { try contender().measure(shape, with: bench) }
            guard let calls = result.callsPerSync, let written = result.writtenBytesPerCall else {
                throw BenchmarkFailure("a durable server synced nothing that could be counted")
            }
            note(
                "  errand's groups: \(Report.figure(calls)) updates a sync, of \(result.requestBytes) bytes each; it writes "
                    + "\(Report.figure(written)) bytes for one")
            return Groups(
                callsPerSync: calls, bytesPerCall: Double(result.requestBytes),
                peakCallsPerSecond: result.callsPerSecond)
        } catch is NotMeasuredYet {
            return Groups()
        }
    }
}

/// How near the store comes to what the disk allows.
struct S8: BenchmarkRow {
    let id = "S8"
    let what = "durable updates/s, 3,200 in flight"
    let against = "append + fdatasync of the same groups"
    let unit = "calls/s"
    let target = Target.atLeast(0.5, goal: 0.9)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        let groups = try DurableUpdates.groups(with: bench)
        let floor = AppendFloor(
            bytesPerCall: groups.bytesPerCall, callsPerGroup: max(1, Int(groups.callsPerSync.rounded())))
        return try alternate(
            DurableUpdates.contender(), at: DurableUpdates.shape, against: floor, at: DurableUpdates.shape,
            with: bench, \.callsPerSecond)
    }
}

struct S9: BenchmarkRow {
    let id = "S9"
    let what = "durable updates/s, 3,200 in flight"
    let against = "Redis SET 250 B, appendfsync always, -P 64 -c 50"
    let unit = "calls/s"
    let target = Target.atLeast(0.8, goal: 1.5)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        try alternate(
            DurableUpdates.contender(), at: DurableUpdates.shape,
            against: RedisContender(command: .set, isDurable: true), at: DurableUpdates.shape, with: bench,
            \.callsPerSecond)
    }
}

/// What waiting for the disk costs when there is no crowd: an open loop, each latency from the moment its call was due.
struct S10: BenchmarkRow {
    let id = "S10"
    let what = "p99 of a durable update at half of the peak rate"
    let against = "p50 of one append + fdatasync"
    let unit = "µs"
    let target = Target.atMost(5, goal: 2.5)

    func samples(with bench: Bench) throws -> Alternation<Measurement> {
        let groups = try DurableUpdates.groups(with: bench)
        let rate = groups.peakCallsPerSecond.map { max(1, Int($0 / 2)) }
        let ours = DurableUpdates.contender(callsPerSecond: rate)
        let floor = AppendFloor(bytesPerCall: groups.bytesPerCall, callsPerGroup: 1)
        return try Alternation(
            roundCount: bench.roundCount,
            ours: { try measurement(of: ours, at: DurableUpdates.shape, with: bench, \.p99Microseconds) },
            other: { try measurement(of: floor, at: DurableUpdates.shape, with: bench, \.p50Microseconds) })
    }
}
