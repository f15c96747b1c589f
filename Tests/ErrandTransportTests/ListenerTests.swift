import ErrandTestSupport
import Synchronization
import Testing

@testable import ErrandTransport

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct ListenerTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop(label: "test.listener")
    }

    private func listen(on port: UInt16 = 0, _ accepted: Counter) throws -> Listener {
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: port, forListening: true)[0]
        let listener = try Listener(on: address, loop: loop) { socket in
            _ = consume socket
            accepted.add()
        }
        listener.start()
        return listener
    }

    @Test func manyAtOnceAreAllAccepted() async throws {
        let accepted = Counter()
        let listener = try listen(accepted)
        let port = listener.address.port
        var peers: [RawPeer] = []
        for _ in 0..<500 { peers.append(try RawPeer(port: port)) }
        #expect(await eventually { accepted.value == 500 })
        for peer in peers { #expect(try peer.receive() == []) }
        listener.stop()
        loop.stop()
    }

    @Test func aStoppedListenerFreesItsPort() async throws {
        let accepted = Counter()
        let listener = try listen(accepted)
        let port = listener.address.port
        _ = try RawPeer(port: port)
        listener.stop()
        listener.stop()
        await loop.run {}
        #expect(throws: RawEnd.reset) { try RawPeer(port: port) }
        let next = try listen(on: port, accepted)
        _ = try RawPeer(port: port)
        next.stop()
        loop.stop()
    }

    @Test func aPortInUseIsNamed() async throws {
        let listener = try listen(Counter())
        #expect {
            try listen(on: listener.address.port, Counter())
        } throws: { error in
            (error as? SystemError)?.isAddressInUse ?? false
        }
        listener.stop()
        loop.stop()
    }

    /// The loop goes first: the listener must still let go of its port.
    @Test func aLoopThatStopsClosesItsListener() async throws {
        let listener = try listen(Counter())
        let port = listener.address.port
        loop.stop()
        #expect(await eventually { ProcessFacts.openSocketCount(port: port) == 0 })
        listener.stop()
    }
}
