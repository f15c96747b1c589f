import ErrandTestSupport
import Glibc
import Testing

@testable import ErrandTransport

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct ConnectionTests {
    private let clock = ManualClock()
    private let loop: EventLoop
    private let handler = Recorder()

    init() throws {
        loop = try EventLoop(label: "test.connection") { [clock] in clock.nowMilliseconds }
    }

    private func begin(_ mine: Int32) async throws -> Connection {
        let connection = Connection(SocketHandle(mine), loop: loop)
        let handler = handler
        try await loop.run { () throws(SystemError) in try connection.start(handler) }
        return connection
    }

    @Test func bytesComeInOrder() async throws {
        let (mine, other) = try socketPair()
        _ = try await begin(mine)
        for byte in 0..<200 { #expect(write([UInt8(byte)], to: other.descriptor) == 1) }
        #expect(await eventually { handler.received.count == 200 })
        #expect(handler.received == (0..<200).map { UInt8($0) })
        loop.stop()
    }

    /// More than the socket takes at once: it goes out in parts, whole and in order, as the peer reads.
    @Test func partialWritesAreCompleted() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        handler.queue(sent)
        await loop.run { connection.setDirty() }
        #expect(await eventually { handler.waitingByteCountMax > 0 })
        var received: [UInt8] = []
        while received.count < sent.count {
            received += readSome(other.descriptor)
        }
        #expect(received == sent)
        loop.stop()
    }

    @Test func aConnectionThatIsNotReadFromHoldsItsPeerBack() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        await loop.run { connection.setReading(false) }
        try SystemCall.setNonBlocking(other.descriptor)
        var sent = 0
        while true {
            let count = write([UInt8](repeating: 1, count: 65_536), to: other.descriptor)
            if count < 0 { break }
            sent += count
        }
        #expect(handler.received.isEmpty)
        await loop.run { connection.setReading(true) }
        #expect(await eventually { handler.received.count == sent })
        loop.stop()
    }

    @Test func thePeersHalfCloseLeavesOurDirectionOpen() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        shutdown(other.descriptor, Int32(SHUT_WR))
        #expect(await eventually { handler.inputHasEnded })
        #expect(handler.end == nil)
        handler.queue([1, 2, 3])
        await loop.run { connection.setDirty() }
        #expect(readSome(other.descriptor) == [1, 2, 3])
        await loop.run { connection.close() }
        #expect(readSome(other.descriptor) == [])
        #expect(await eventually { handler.end == .closed })
        loop.stop()
    }

    @Test func anOrderlyCloseDeliversTheLastBytesAndWaitsForThePeer() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        let sent = [UInt8](repeating: 9, count: 1_000_000)
        handler.queue(sent)
        await loop.run { connection.close() }
        var count = 0
        while case let bytes = readSome(other.descriptor), !bytes.isEmpty { count += bytes.count }
        #expect(count == sent.count)
        #expect(handler.end == nil)
        #expect(ProcessFacts.isOpen(descriptor: mine))
        shutdown(other.descriptor, Int32(SHUT_WR))
        #expect(await eventually { handler.end == .closed })
        #expect(handler.endCount == 1)
        loop.stop()
    }

    @Test func aPeerThatDoesNotCloseIsLeftAfterAMoment() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        await loop.run { connection.close() }
        #expect(readSome(other.descriptor) == [])
        // Moved again and again, since the half-close may be seen here before the moment it counts from is taken.
        #expect(
            await eventually {
                clock.advance(byMilliseconds: 2000)
                return handler.end == .closed
            })
        other.close()
        loop.stop()
    }

    /// A close must end although the peer never takes what waits for it.
    @Test func aCloseThatCannotFlushIsBounded() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        handler.queue([UInt8](repeating: 9, count: 5_000_000))
        await loop.run { connection.close() }
        clock.advance(byMilliseconds: 29_000)
        await loop.run {}
        #expect(handler.end == nil)
        clock.advance(byMilliseconds: 1000)
        #expect(await eventually { handler.end == .lost(nil) })
        other.close()
        loop.stop()
    }

    @Test func aResetByThePeerIsReported() async throws {
        let listener = try RawListener()
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: listener.port)[0]
        let socket = try SystemCall.makeStreamSocket(family: address.family)
        _ = try SystemCall.connect(socket, address)
        let peer = try listener.accept()
        let connection = try await begin(socket)
        peer.reset()
        #expect(await eventually { handler.end != nil })
        #expect(handler.end == .lost(SystemError(call: "read", code: ECONNRESET)))
        await loop.run {
            connection.close()
            connection.abort()
            connection.setDirty()
            connection.setReading(true)
        }
        #expect(handler.endCount == 1)
        #expect(await eventually { ProcessFacts.openSocketCount(port: listener.port) == 1 })
        loop.stop()
    }

    /// Every end of many connections, in every order: each socket is closed once, and none is left.
    @Test func noDescriptorIsLeftBehind() async throws {
        let listener = try RawListener(backlog: 512)
        listener.serve { peer in
            _ = peer.send([1, 2, 3])
            while try !peer.receive().isEmpty {}
        }
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: listener.port)[0]
        var recorders: [Recorder] = []
        for index in 0..<200 {
            let socket = SocketHandle(try SystemCall.makeStreamSocket(family: address.family))
            _ = try SystemCall.connect(socket.descriptor, address)
            let connection = Connection(socket, loop: loop)
            let recorder = Recorder()
            recorders.append(recorder)
            try await loop.run { () throws(SystemError) in
                try connection.start(recorder)
                if index % 2 == 0 { connection.close() } else { connection.abort() }
                connection.abort()
            }
        }
        #expect(recorders.allSatisfy { $0.endCount == 1 })
        #expect(await eventually { ProcessFacts.openSocketCount(port: listener.port) == 1 })
        loop.stop()
    }

    @Test func aLoopThatStopsClosesItsConnections() async throws {
        let (mine, other) = try socketPair()
        let connection = try await begin(mine)
        handler.queue([7])
        await loop.run { connection.setDirty() }
        loop.stop()
        #expect(readSome(other.descriptor) == [7])
        #expect(readSome(other.descriptor) == [])
        #expect(await eventually { handler.endCount == 1 })
    }
}
