internal import Glibc

/// Accepts connections on one address and spreads them over the loops.
///
/// `@unchecked Sendable`: all state is touched only on its loop.
package final class Listener: EventHandler, @unchecked Sendable {
    package typealias Accept = @Sendable (_ socket: consuming SocketHandle) -> Void

    /// The address it really listens on.
    package let address: SocketAddress
    private let loop: EventLoop
    private let descriptor: Int32
    private var socket: SocketHandle?
    private var token: UInt64 = 0
    private let accept: Accept
    /// Out of descriptors: accepting again before some are free would only spin.
    private var isPaused = false
    private var isClosed = false

    private static let acceptCountPerTurnMax = 64

    /// Binds and listens; call `start` to accept. `accept` is called on the loop.
    package init(on address: SocketAddress, loop: EventLoop, accept: @escaping Accept) throws(SystemError) {
        let socket = SocketHandle(try SystemCall.makeStreamSocket(family: address.family))
        try SystemCall.setOption(socket.descriptor, level: SOL_SOCKET, SO_REUSEADDR, 1)
        try SystemCall.bind(socket.descriptor, address)
        try SystemCall.listen(socket.descriptor, backlog: 4096)
        self.address = try SystemCall.localAddress(socket.descriptor)
        descriptor = socket.descriptor
        self.socket = consume socket
        self.loop = loop
        self.accept = accept
    }

    package func start() {
        loop.post { [self] in
            guard !isClosed else { return }
            do throws(SystemError) {
                token = try loop.add(self, descriptor, reads: true, writes: false)
            } catch {
                isClosed = true
                socket = nil
            }
        }
    }

    /// Takes no more connections.
    package func stop() {
        loop.post { [self] in close() }
    }

    package func loopStopped() { close() }

    private func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.remove(descriptor, token: token)
        socket = nil
    }

    package func ready(isReadable: Bool, isWritable: Bool) {
        for _ in 0..<Self.acceptCountPerTurnMax {
            switch SystemCall.accept(descriptor) {
            case .done(let accepted):
                let socket = SocketHandle(Int32(accepted))
                do throws(SystemError) {
                    try SystemCall.setNonBlocking(socket.descriptor)
                    try SystemCall.setNoDelay(socket.descriptor)
                } catch {
                    // The peer has already gone; its handle closes here.
                    continue
                }
                accept(consume socket)
            case .wouldBlock: return
            case .failed(let error):
                if error.isOutOfDescriptors { pause(true) }
                return
            }
        }
    }

    private func pause(_ paused: Bool) {
        isPaused = paused
        loop.change(descriptor, token: token, reads: !paused, writes: false)
    }

    package func flush() {}

    package func tick(at nowMilliseconds: Int64) {
        if isPaused { pause(false) }
    }
}
