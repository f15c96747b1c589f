import ErrandTestSupport
import Synchronization
import Testing

@testable import ErrandTransport

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct ConnectorTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop(label: "test.connector")
    }

    /// What became of it: nothing when connected, else why not.
    private func connect(_ host: String, _ port: UInt16, timeoutMilliseconds: Int64 = 5000) async -> String? {
        await withCheckedContinuation { (continuation: CheckedContinuation<String?, Never>) in
            Connector.connect(host: host, port: port, loop: loop, timeoutMilliseconds: timeoutMilliseconds) { outcome in
                switch consume outcome {
                case .connected(_, let isLoopback): continuation.resume(returning: isLoopback ? nil : "not on loopback")
                case .failed(let reason): continuation.resume(returning: reason)
                }
            }
        }
    }

    @Test func aListenerIsReached() async throws {
        let listener = try RawListener()
        #expect(await connect("127.0.0.1", listener.port) == nil)
        #expect(await connect("localhost", listener.port) == nil)
        loop.stop()
    }

    @Test func aRefusedConnectionIsNamed() async throws {
        let port = try RawListener().port
        let reason = await connect("127.0.0.1", port)
        #expect(reason == "127.0.0.1:\(port): Connection refused")
        #expect(ProcessFacts.openSocketCount(port: port) == 0)
        loop.stop()
    }

    @Test func aNameThatNobodyHasIsNamed() async {
        // A label that no query can hold, so that the answer is the same with every name server and with none.
        let host = String(repeating: "x", count: 64) + ".invalid"
        let reason = await connect(host, 1)
        #expect(reason?.hasPrefix("\(host): ") == true, "\(String(describing: reason))")
        loop.stop()
    }

    /// A listener with a full backlog drops what comes: the connect hangs until its time is up.
    @Test func aConnectThatHangsTimesOut() async throws {
        let listener = try RawListener(backlog: 0)
        var fillers: [RawPeer] = []
        for _ in 0..<2 { fillers.append(RawPeer(descriptor: try hangingConnect(port: listener.port))) }
        let begun = ContinuousClock.now
        let reason = await connect("127.0.0.1", listener.port, timeoutMilliseconds: 100)
        #expect(reason == "127.0.0.1:\(listener.port): timed out")
        #expect(ContinuousClock.now - begun < .seconds(5))
        _ = fillers
        loop.stop()
    }

    @Test func aLoopThatStopsAnswersItsConnects() async throws {
        let listener = try RawListener(backlog: 0)
        var fillers: [RawPeer] = []
        for _ in 0..<2 { fillers.append(RawPeer(descriptor: try hangingConnect(port: listener.port))) }
        async let reason = connect("127.0.0.1", listener.port, timeoutMilliseconds: 30_000)
        #expect(await eventually { ProcessFacts.openSocketCount(port: listener.port) >= 4 })
        loop.stop()
        #expect(await reason != nil)
        _ = fillers
    }

    /// A socket that is being connected and may stay so.
    private func hangingConnect(port: UInt16) throws -> Int32 {
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: port)[0]
        let descriptor = try SystemCall.makeStreamSocket(family: address.family)
        _ = try SystemCall.connect(descriptor, address)
        return descriptor
    }
}
