/// The plain C epoll pair that moves the same bytes: what the kernel's loopback allows.
struct FloorContender: Contender {
    let name = "floor"

    /// The server's last line.
    private struct ServerReport: Decodable {
        let calls: Double
        let cpuSeconds: Double
    }

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let server = try bench.start(
            .floorServer, ["--port", "0", "--reply-bytes", "\(shape.replyByteCount)"])
        let port = try server.servingPort(after: "floor: serving on 127.0.0.1:", withinSeconds: 10)
        let load = try bench.start(
            .floorLoad, shape.arguments(port: port, timing: bench.timing) + shape.byteArguments)
        var result = try load.decodedLine(as: LoadResult.self, withinSeconds: bench.timing.patienceSeconds)
        try load.waitForSuccess(withinSeconds: 10)

        server.closeInput()
        let report = try server.decodedLine(as: ServerReport.self, withinSeconds: 10)
        try server.waitForSuccess(withinSeconds: 10)
        result.serverMicrosecondsPerCall = report.cpuSeconds / report.calls * 1e6
        return result
    }
}

/// Appends to a file and waits for the disk after each group: what a durable store can reach at best.
struct AppendFloor: Contender {
    let name = "append + fdatasync"
    let bytesPerCall: Double
    let callsPerGroup: Int

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let file = try PackageFolder.scratch("append-floor") + "/journal"
        let process = try bench.start(
            .appendFloor,
            [
                file, "--group-bytes", "\(Int((bytesPerCall * Double(callsPerGroup)).rounded(.up)))",
                "--group-calls", "\(callsPerGroup)", "--seconds", "\(bench.timing.measuredSeconds)",
            ])
        let result = try process.decodedLine(as: LoadResult.self, withinSeconds: bench.timing.patienceSeconds)
        try process.waitForSuccess(withinSeconds: 10)
        return result
    }
}

extension Timing {
    /// How long a load generator may take until it must have printed its line.
    var patienceSeconds: Int { warmupSeconds + measuredSeconds + 40 }
}
