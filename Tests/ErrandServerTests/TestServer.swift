import ErrandCore
import ErrandServer
import ErrandStore
import ErrandTestSupport
import ErrandWire
import Testing

@testable import ErrandTransport

/// A server on a free port, whose clocks the test moves, and what tests do with it.
struct TestServer: Sendable {
    let server: JobExecutionServer
    let steady = ManualClock()
    let clock = ManualClock(at: 1_700_000_000_000)

    var port: UInt16 { server.port }

    /// `wrap` puts another store around the one in memory.
    init(
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        wrap: (MemoryExecutionStore) -> any ExecutionStore = { $0 }
    ) throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.loopCount = 2
        change(&configuration)
        let rules = ExecutionRules(minuteLengthMilliseconds: configuration.minuteLengthMilliseconds)
        var limits = StoreLimits()
        limits.watchHistoryEventCount = configuration.watchHistoryEventCount
        server = try JobExecutionServer.start(
            configuration, store: wrap(MemoryExecutionStore(rules: rules, limits: limits, firstRevision: 1001)),
            clock: ServerClock { [clock] in clock.nowMilliseconds },
            steadyMilliseconds: { [steady] in steady.nowMilliseconds })
    }

    /// A raw client that has been greeted.
    func client(_ change: (inout Hello) -> Void = { _ in }) throws -> RawPeer {
        let peer = try RawPeer(port: port)
        var hello = Hello()
        change(&hello)
        try peer.greet(hello)
        return peer
    }

    /// Proves that a fresh client is served, whatever happened before.
    func expectServing(_ place: SourceLocation = #_sourceLocation) throws {
        let peer = try client()
        let health = try peer.call(HealthRequest()).message(Health.self)
        #expect(health == .serving, sourceLocation: place)
    }

    func stop() async {
        await server.stop(graceMilliseconds: 200)
    }

    /// Moves the connections' clock until something has come of it: loops look at it now and then.
    func passing(milliseconds: Int64) { steady.advance(byMilliseconds: milliseconds) }
}

func thing(_ name: String) -> ThingName {
    do { return try ThingName(name) } catch { preconditionFailure("\(error)") }
}

func job(_ id: String) -> JobId {
    do { return try JobId(id) } catch { preconditionFailure("\(error)") }
}

extension RawPeer {
    func createJob(_ id: String, _ things: [String], document: String = "{}") throws {
        let reply = try call(
            CreateJobRequest(
                jobId: job(id), document: document, targetCount: UInt32(things.count), targets: things.map(thing)))
        #expect(reply.status == .ok)
    }
}
