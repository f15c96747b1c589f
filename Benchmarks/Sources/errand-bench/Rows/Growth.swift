import ErrandClient
import Synchronization

/// How throughput changes as a deployment grows in one direction. No row of the table: pictures, and what is left of the
/// smallest one's rate.
struct Growth: Encodable {
    struct Line: Encodable {
        let what: String
        let places: [Int]
        let callsPerSecond: [Double]
        /// What all watches together were told for each update; less than there are watches means that some were left behind.
        var eventsPerCall: [Double] = []
        /// Why the line ends early.
        var note: String?
    }

    let connections: Line
    let executions: Line
    let silentWatches: Line
    let hitWatches: Line

    static func measure(with bench: Bench, isQuick: Bool) throws -> Growth {
        Growth(
            connections: try line(
                "connections, 64 of them active (or all), 1,024 calls in flight in all, describes/s",
                isQuick ? [1, 100, 1000] : [1, 10, 100, 1000, 10_000]
            ) { count in
                let active = min(64, count)
                var load = ErrandLoad()
                load.idleConnectionCount = count - active
                return try ErrandContender(load: load).measure(
                    LoadShape(connections: active, inFlight: max(16, 1024 / active)), with: bench)
            },
            executions: try line(
                "executions, describes/s at 64 × 16", isQuick ? [1000, 100_000] : [1000, 10_000, 100_000, 1_000_000]
            ) { count in
                var load = ErrandLoad()
                load.thingCount = count
                return try ErrandContender(load: load).measure(S1.shape, with: bench)
            },
            silentWatches: try line("watches that no update concerns, updates/s at 4 × 64", watchCounts(isQuick)) {
                try updates(watches: $0, areHit: false, with: bench)
            },
            hitWatches: try line(
                "watches of everything, one event each for each update: events/s that arrive of \(eventsPerSecondDue) that are due",
                watchCounts(isQuick)
            ) { count in
                var result = try updates(
                    watches: count, areHit: true, callsPerSecond: max(1, eventsPerSecondDue / count), with: bench)
                result.callsPerSecond *= result.eventsPerCall ?? 0
                return result
            })
    }

    /// At full speed no more than a few could keep up: what is to stay the same is what an event costs.
    private static let eventsPerSecondDue = 100_000

    private static func watchCounts(_ isQuick: Bool) -> [Int] { isQuick ? [1, 100, 1000] : [1, 10, 100, 1000] }

    /// What a line cannot reach ends it, and is named.
    private static func line(
        _ what: String, _ places: [Int], _ measure: (Int) throws -> LoadResult
    ) throws -> Line {
        note(what)
        var reached: [Int] = [], rates: [Double] = [], events: [Double] = []
        for place in places {
            do {
                let result = try measure(place)
                let rate = result.callsPerSecond
                let told = result.eventsPerCall.map { ", \(Report.figure($0)) events each" } ?? ""
                note("  \(place): \(Report.figure(rate))\(told)")
                if let told = result.eventsPerCall { events.append(told) }
                reached.append(place)
                rates.append(rate)
            } catch {
                note("  \(place): \(error)")
                return Line(
                    what: what, places: reached, callsPerSecond: rates, eventsPerCall: events,
                    note: "at \(place): \(error)")
            }
        }
        return Line(what: what, places: reached, callsPerSecond: rates, eventsPerCall: events)
    }

    private static func updates(
        watches count: Int, areHit: Bool, callsPerSecond: Int? = nil, with bench: Bench
    ) throws -> LoadResult {
        var load = ErrandLoad()
        load.operation = .update
        load.callsPerSecond = callsPerSecond
        var contender = ErrandContender(load: load)
        contender.meanwhile = { port in try Watchers(port: port, count: count, areHit: areHit) }
        let result = try contender.measure(LoadShape(connections: 4, inFlight: areHit ? 16 : 64), with: bench)
        // A rate at which watches are left behind is no rate of watched updates.
        let told = result.eventsPerCall ?? 0
        guard !areHit || told >= 0.9 * Double(count) else {
            throw BenchmarkFailure("of \(count) events for each update only \(Report.figure(told)) arrived")
        }
        return result
    }
}

/// Watches that are read as long as this lives: of things that the load does not touch, or of everything.
final class Watchers: Sendable {
    private let clients: [JobExecutionClient]
    private let tasks: [Task<Void, any Error>]
    private let events = EventCounter()
    private static let watchesPerConnection = 500

    init(port: Int, count: Int, areHit: Bool) throws {
        var clients: [JobExecutionClient] = [], tasks: [Task<Void, any Error>] = []
        for first in stride(from: 0, to: count, by: Self.watchesPerConnection) {
            let client = try Blocking.run { try await JobExecutionClient.connect(host: "127.0.0.1", port: port) }
            for index in first..<min(count, first + Self.watchesPerConnection) {
                let scope = areHit ? WatchScope.everything : .thing(try ThingName("elsewhere-\(index)"))
                let events = try Blocking.run { try await client.watch(scope) }
                tasks.append(Task { [counter = self.events] in for try await _ in events { counter.add() } })
            }
            clients.append(client)
        }
        self.clients = clients
        self.tasks = tasks
    }

    var count: Int { tasks.count }
    var eventCount: Int { events.count }

    deinit {
        for task in tasks { task.cancel() }
        for client in clients { client.close() }
    }
}

final class EventCounter: Sendable {
    private let value = Atomic(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.wrappingAdd(1, ordering: .relaxed) }
}
