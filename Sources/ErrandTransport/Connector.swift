internal import Dispatch
internal import Glibc

/// Makes one TCP connection: looks the name up, then tries its addresses one after the other.
///
/// `@unchecked Sendable`: all mutable state is touched only on `loop`.
package final class Connector: EventHandler, @unchecked Sendable {
    package enum Outcome: ~Copyable {
        case connected(SocketHandle, isLoopback: Bool)
        case failed(String)
    }

    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let done: @Sendable (consuming Outcome) -> Void
    private var addresses: [SocketAddress] = []
    private var current: SocketAddress?
    private var socket: SocketHandle?
    private var token: UInt64?
    private var lastReason = "has no address"
    private var isFinished = false
    /// Covers the look-up too, which cannot be interrupted.
    private var timer: LoopTimer?

    /// Begins at once. `done` is called exactly once, on the loop.
    package static func connect(
        host: String, port: UInt16, loop: EventLoop, timeoutMilliseconds: Int64,
        done: @escaping @Sendable (consuming Outcome) -> Void
    ) {
        let connector = Connector(host: host, port: port, loop: loop, done: done)
        loop.post {
            let timer = loop.makeTimer { connector.timedOut() }
            timer.schedule(afterMilliseconds: timeoutMilliseconds)
            connector.timer = timer
        }
        // Looking a name up blocks, so it has no place on the loop.
        DispatchQueue.global().async {
            let result = Result { () throws(AddressError) in try SocketAddress.resolve(host: host, port: port) }
            loop.post { connector.resolved(result) }
        }
    }

    private init(
        host: String, port: UInt16, loop: EventLoop, done: @escaping @Sendable (consuming Outcome) -> Void
    ) {
        self.host = host
        self.port = port
        self.loop = loop
        self.done = done
    }

    private func resolved(_ result: Result<[SocketAddress], AddressError>) {
        guard !isFinished else { return }
        switch result {
        case .success(let found):
            addresses = found.reversed()
            tryNext()
        case .failure(let error): finish(.failed(error.description))
        }
    }

    private func tryNext() {
        while let address = addresses.popLast() {
            current = address
            do throws(SystemError) {
                let socket = SocketHandle(try SystemCall.makeStreamSocket(family: address.family))
                try SystemCall.setNoDelay(socket.descriptor)
                let isConnected = try SystemCall.connect(socket.descriptor, address)
                let descriptor = socket.descriptor
                self.socket = consume socket
                if isConnected { return succeed() }
                token = try loop.add(self, descriptor, reads: false, writes: true)
                return
            } catch {
                lastReason = error.reason
                socket = nil
            }
        }
        finish(.failed("\(host):\(port): \(lastReason)"))
    }

    package func ready(isReadable: Bool, isWritable: Bool) {
        guard let descriptor = socket?.descriptor else { return }
        forget()
        if let error = SystemCall.pendingError(descriptor) {
            lastReason = error.reason
            socket = nil
            tryNext()
        } else {
            succeed()
        }
    }

    package func flush() {}

    package func tick(at nowMilliseconds: Int64) {}

    private func timedOut() { giveUp("\(host):\(port): timed out") }

    package func loopStopped() { giveUp("\(host):\(port): the client was closed") }

    private func giveUp(_ reason: String) {
        guard !isFinished else { return }
        forget()
        socket = nil
        finish(.failed(reason))
    }

    private func forget() {
        guard let token, let descriptor = socket?.descriptor else { return }
        loop.remove(descriptor, token: token)
        self.token = nil
    }

    private func succeed() {
        guard let socket = socket.take() else { return }
        finish(.connected(socket, isLoopback: current?.isLoopback ?? false))
    }

    private func finish(_ outcome: consuming Outcome) {
        guard !isFinished else { return }
        isFinished = true
        // The timer's closure holds this connector.
        timer = nil
        done(outcome)
    }
}
