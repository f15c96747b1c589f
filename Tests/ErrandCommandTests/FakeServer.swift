import Glibc
import Testing

/// A port of loopback with something else behind it than an Errand server.
struct FakeServer: ~Copyable {
    enum Behaviour {
        /// Holds the port but does not listen: connections are refused.
        case refuses
        /// Connections wait in the kernel for an accept that never comes.
        case neverAnswers
    }

    private let descriptor: Int32
    let address: String

    init(_ behaviour: Behaviour) throws {
        (descriptor, address) = try Self.open(behaviour)
    }

    private static func open(_ behaviour: Behaviour) throws -> (Int32, String) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            // sockaddr_in is made to be read as any sockaddr.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, byteCount) == 0 && getsockname(descriptor, $0, &byteCount) == 0
            }
        }
        try #require(isBound)
        if behaviour == .neverAnswers { try #require(listen(descriptor, 8) == 0) }
        return (descriptor, "127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
    }

    /// Accepts one connection, answers it with `text`, and hangs up when the peer has.
    func answerOne(_ text: String) {
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return }
        let bytes = Array(text.utf8)
        _ = write(peer, bytes, bytes.count)
        var piece = [UInt8](repeating: 0, count: 4096)
        while read(peer, &piece, piece.count) > 0 {}
        close(peer)
    }

    deinit { close(descriptor) }
}
