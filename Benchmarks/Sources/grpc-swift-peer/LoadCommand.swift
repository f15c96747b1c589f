import ArgumentParser
import GRPCCore
import GRPCNIOTransportHTTP2Posix

struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "A closed loop of describes with random keys; every reply is checked.")

    @Option var port: Int
    @Option(help: "Clients, each with one connection.") var connections = 1
    @Option(help: "Tasks on each client, each with one call at a time.") var inFlight = 64
    @Option var seconds = 3
    @Option var warmUp = 1

    func run() async throws {
        try Peer.refuseDebugBuild()
        let clock = ContinuousClock()
        let begins = clock.now + .seconds(warmUp)
        let ends = begins + .seconds(seconds)
        let latencies = try await withThrowingTaskGroup(of: Latencies.self) { group in
            for connection in 0..<connections {
                group.addTask { try await onOneConnection(connection, begins, ends) }
            }
            return try await group.reduce(into: Latencies()) { $0.add($1) }
        }
        print(line(latencies))
    }

    private func onOneConnection(
        _ connection: Int, _ begins: ContinuousClock.Instant, _ ends: ContinuousClock.Instant
    ) async throws -> Latencies {
        try await withGRPCClient(
            transport: .http2NIOPosix(
                target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
        ) { client in
            try await withThrowingTaskGroup(of: Latencies.self) { group in
                for task in 0..<inFlight {
                    group.addTask {
                        var loop = DescribeLoop(seed: UInt64(connection * 4096 + task + 1))
                        return try await loop.run(client, from: begins, to: ends)
                    }
                }
                return try await group.reduce(into: Latencies()) { $0.add($1) }
            }
        }
    }

    /// Bytes on the wire are not counted here: 0 says so.
    private func line(_ latencies: Latencies) -> String {
        let rate = Double(latencies.count) / Double(seconds)
        let percentiles = Latencies.percents.map { "[\($0),\(latencies.microseconds(at: $0 / 100))]" }
        return """
            {"calls":\(latencies.count),"seconds":\(seconds),"callsPerSecond":\(rate),\
            "p50Microseconds":\(latencies.microseconds(at: 0.5)),"p99Microseconds":\(latencies.microseconds(at: 0.99)),\
            "percentiles":[\(percentiles.joined(separator: ","))],\
            "requestBytes":0,"replyBytes":0,"connections":\(connections),"inFlight":\(inFlight)}
            """
    }
}

/// One task's calls.
struct DescribeLoop {
    private var random: UInt64

    init(seed: UInt64) { random = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func run<Transport: ClientTransport>(
        _ client: GRPCClient<Transport>, from begins: ContinuousClock.Instant, to ends: ContinuousClock.Instant
    ) async throws -> Latencies {
        var latencies = Latencies()
        let clock = ContinuousClock()
        var now = clock.now
        while now < ends {
            let name = Fleet.thingName(nextKey())
            let reply = try await client.unary(
                request: ClientRequest(message: DescribeRequest(jobId: Fleet.jobId, thingName: name)),
                descriptor: DescribeService.method, serializer: RequestCoder(), deserializer: ExecutionCoder(),
                options: .defaults
            ) { try $0.message }
            guard reply.thingName == name, reply.details.count == 3 else {
                throw RPCError(code: .dataLoss, message: "the reply is not what was asked for")
            }
            let answered = clock.now
            if now >= begins, answered <= ends { latencies.record(now.duration(to: answered)) }
            now = answered
        }
        return latencies
    }

    private mutating func nextKey() -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int((random &* 0x2545_F491_4F6C_DD1D).multipliedFullWidth(by: UInt64(Fleet.thingCount)).high)
    }
}
