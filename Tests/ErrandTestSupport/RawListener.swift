internal import Dispatch
package import ErrandWire
internal import Glibc

/// Calls `body` with the loopback address and that port.
func withLoopback<R>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        // A sockaddr_in is made to be read as a sockaddr.
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// A listener on a free loopback port, for servers that misbehave. Each connection is played on a thread of its own.
package final class RawListener: Sendable {
    package let port: UInt16
    private let socket: ListeningSocket

    /// `backlog` 0 and nobody accepting makes connects hang.
    package init(port wanted: UInt16 = 0, backlog: Int32 = 128) throws {
        socket = ListeningSocket()
        let descriptor = socket.descriptor
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        let bound = withLoopback(port: wanted) { bind(descriptor, $0, $1) }
        guard bound == 0, listen(descriptor, backlog) == 0 else { throw RawEnd.reset }
        var address = sockaddr_in()
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            // A sockaddr_in is made to be read as a sockaddr.
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &byteCount) }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { socket.shutDown() }

    /// Blocks until somebody connects.
    package func accept() throws(RawEnd) -> RawPeer {
        guard let peer = socket.accept() else { throw .ended }
        return peer
    }

    /// Plays `play` for each connection until the listener goes away; what it throws ends that connection.
    package func serve(_ play: @escaping @Sendable (RawPeer) throws -> Void) {
        let socket = socket
        DispatchQueue(label: "raw.listener").async {
            while let peer = socket.accept() {
                DispatchQueue(label: "raw.peer").async {
                    try? play(peer)
                    peer.close()
                }
            }
        }
    }
}

/// Closed only when nobody accepts any more: a thread that came to `accept` after the close would take the connections of
/// the next listener, which has the same number.
private final class ListeningSocket: Sendable {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)

    deinit { close(descriptor) }

    /// From now on connections are refused, and whoever accepts gets nothing.
    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Blocks until somebody connects.
    func accept() -> RawPeer? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        // A child process must not keep the connection open.
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        return RawPeer(descriptor: accepted)
    }
}

extension RawPeer {
    /// Greets as a server does; returns the client's HELLO.
    @discardableResult
    package func welcome(_ welcome: Welcome = Welcome()) throws -> Hello {
        let hello = try next().message(Hello.self)
        encoder.appendMagic()
        encoder.appendControl(welcome, .welcome)
        flush()
        adopt(welcome)
        return hello
    }

    /// Answers a call with a body that has only a root block of zeros, or a given one.
    package func answer(_ call: RawFrame, root: [UInt8] = [UInt8](repeating: 0, count: 8)) {
        appendRaw(
            call.header.opcode, body: root, rootByteCount: root.count, requestId: call.header.requestId, flags: .reply)
        flush()
    }
}
