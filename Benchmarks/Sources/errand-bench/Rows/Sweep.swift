/// Throughput over connections and over calls in flight, ours and the floor's: the pictures beside the table.
struct Sweep: Encodable {
    struct Point: Encodable {
        let connections: Int
        let inFlight: Int
        let ours: LoadResult
        let floor: LoadResult
    }

    /// 16 in flight on each.
    let overConnections: [Point]
    /// 4 connections.
    let overDepth: [Point]

    private static let connectionCounts = [1, 4, 16, 64, 256]
    private static let depths = [1, 4, 16, 64, 256]

    static func measure(with bench: Bench) throws -> Sweep {
        note("throughput over connections and calls in flight, for the pictures")
        return try bench.withTiming(.trial) {
            Sweep(
                overConnections: try connectionCounts.map {
                    try point(LoadShape(connections: $0, inFlight: 16), with: bench)
                },
                overDepth: try depths.map { try point(LoadShape(connections: 4, inFlight: $0), with: bench) })
        }
    }

    private static func point(_ shape: LoadShape, with bench: Bench) throws -> Point {
        let ours = try ErrandContender().measure(shape, with: bench)
        let floor = try FloorContender().measure(shape, with: bench)
        note(
            "  \(shape.connections) × \(shape.inFlight): \(Report.figure(ours.callsPerSecond)) calls/s, floor "
                + Report.figure(floor.callsPerSecond))
        return Point(connections: shape.connections, inFlight: shape.inFlight, ours: ours, floor: floor)
    }
}
