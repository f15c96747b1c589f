internal import Dispatch
internal import Glibc
internal import Synchronization

/// Stands between a client and a server on this machine, and cuts connections at random places.
package final class CuttingProxy: Sendable {
    /// Where a connection was cut.
    package enum Place: Sendable, CaseIterable {
        /// Nothing of what the client has sent goes on.
        case beforeRequest
        /// A part of it does.
        case insideRequest
        /// All of it does, and the server answers, but nobody hears it.
        case beforeReply
        /// The client hears a part of the answer.
        case insideReply
    }

    private let listener: RawListener
    private let serverPort: Atomic<UInt16>
    private let cuts: Mutex<[Place: Int]> = Mutex([:])
    private let isCutting: Atomic<Bool>
    private let percentage: Int

    package var port: UInt16 { listener.port }

    /// `percentage` of all pieces of bytes, either way, end their connection.
    package init(to serverPort: UInt16, cuttingPercentage percentage: Int) throws {
        listener = try RawListener()
        self.serverPort = Atomic(serverPort)
        self.percentage = percentage
        isCutting = Atomic(true)
        listener.serve { [weak self] client in try self?.play(client) }
    }

    package var cutCount: Int { cuts.withLock { $0.values.reduce(0, +) } }
    package func cutCount(_ place: Place) -> Int { cuts.withLock { $0[place, default: 0] } }

    /// New connections go to another server from now on: one that was killed comes back on another port.
    package func aim(at serverPort: UInt16) { self.serverPort.store(serverPort, ordering: .relaxed) }

    /// From now on everything goes through.
    package func heal() { isCutting.store(false, ordering: .relaxed) }

    private func play(_ client: RawPeer) throws {
        let server = try RawPeer(port: serverPort.load(ordering: .relaxed))
        // The greetings go through: a connection that never carries a call proves nothing.
        var skipsUp = 1
        var skipsDown = 1
        var ends = [
            pollfd(fd: client.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&ends, 2, 60_000) > 0 {
            if ends[0].revents != 0 {
                let bytes = try client.receive()
                guard !bytes.isEmpty, pass(bytes, to: server, from: client, isRequest: true, &skipsUp) else { break }
            }
            if ends[1].revents != 0 {
                let bytes = try server.receive()
                guard !bytes.isEmpty, pass(bytes, to: client, from: server, isRequest: false, &skipsDown) else { break }
            }
        }
        server.close()
    }

    /// False when the connection is to end here.
    private func pass(
        _ bytes: [UInt8], to other: RawPeer, from one: RawPeer, isRequest: Bool, _ skips: inout Int
    ) -> Bool {
        guard skips == 0, isCutting.load(ordering: .relaxed), Int.random(in: 0..<100) < percentage else {
            skips = max(0, skips - 1)
            return other.send(bytes)
        }
        let place: Place =
            switch (isRequest, Bool.random()) {
            case (true, true): .beforeRequest
            case (true, false): .insideRequest
            case (false, true): .beforeReply
            case (false, false): .insideReply
            }
        if place == .insideRequest || place == .insideReply {
            other.send(Array(bytes.prefix(.random(in: 0...bytes.count))))
        }
        cuts.withLock { $0[place, default: 0] += 1 }
        if Bool.random() { one.reset() }
        return false
    }
}
