internal import ErrandStore
internal import ErrandTransport
internal import ErrandWire
internal import Logging

/// What the connections of one loop share.
///
/// `@unchecked Sendable`: all mutable state is touched only on `loop`.
final class LoopContext: @unchecked Sendable {
    let loop: EventLoop
    let store: any ExecutionStore
    let clock: ServerClock
    /// Lives as long as somebody is served.
    private let clockwork: StoreClockwork
    let greeting: ServerGreeting
    let status: ServerStatus
    let replyEncoder: ReplyEncoder
    let watches: LoopWatches
    private let logger: Logger
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var spareBatches: [CallBatch] = []
    private var spareCalls = DecodedCalls()
    private var faultsLogged = 0
    private var faultsLoggedSince: Int64 = 0
    private var isDraining = false
    private var onEmpty: (@Sendable () -> Void)?

    private static let faultsLoggedPerSecondMax = 10

    init(
        loop: EventLoop, store: any ExecutionStore, clock: ServerClock, clockwork: StoreClockwork,
        greeting: ServerGreeting, status: ServerStatus, logger: Logger
    ) {
        self.loop = loop
        self.store = store
        self.clock = clock
        self.clockwork = clockwork
        self.greeting = greeting
        self.status = status
        self.logger = logger
        replyEncoder = ReplyEncoder(status: status)
        watches = LoopWatches(loop: loop, feed: store.changes)
    }

    var steadyMilliseconds: Int64 { loop.steadyMilliseconds }

    /// Takes over an accepted socket; on the loop.
    func open(_ socket: consuming SocketHandle, connectionCountMax: Int) {
        let peer = (try? SystemCall.peerAddress(socket.descriptor))?.description ?? "?"
        let connection = Connection(socket, loop: loop)
        let server = ServerConnection(connection, context: self, peer: peer, at: steadyMilliseconds)
        let isOneTooMany = status.connectionOpened() > connectionCountMax
        do throws(SystemError) {
            try connection.start(server)
        } catch {
            status.connectionClosed()
            logger.error("a connection could not be watched", metadata: ["error": "\(error)", "peer": "\(peer)"])
            return
        }
        connections[ObjectIdentifier(server)] = server
        if isOneTooMany { server.refuse(.connectionLimit) } else if isDraining { server.drain(graceMilliseconds: 0) }
    }

    func remove(_ server: ServerConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(server)) != nil else { return }
        status.connectionClosed()
        reportIfEmpty()
    }

    /// Asks every client to go elsewhere; `onEmpty` is called when all have gone.
    func drain(graceMilliseconds: UInt32, onEmpty: @escaping @Sendable () -> Void) {
        isDraining = true
        self.onEmpty = onEmpty
        for connection in Array(connections.values) { connection.drain(graceMilliseconds: graceMilliseconds) }
        reportIfEmpty()
    }

    /// Closes what has not gone by itself.
    func abortAll() {
        for connection in Array(connections.values) { connection.abort() }
    }

    private func reportIfEmpty() {
        guard isDraining, connections.isEmpty, let onEmpty else { return }
        self.onEmpty = nil
        onEmpty()
    }

    /// Lends a connection memory to decode into, and takes it back empty: an idle connection needs none.
    func exchange(_ calls: inout DecodedCalls) { swap(&calls, &spareCalls) }

    func takeBatch() -> CallBatch { spareBatches.popLast() ?? CallBatch() }

    func giveBack(_ batch: CallBatch) {
        batch.reset()
        if spareBatches.count < 64 { spareBatches.append(batch) }
    }

    /// One line for each broken connection, but never a flood of them.
    func logFault(_ fault: ConnectionFault, peer: String) {
        let now = steadyMilliseconds
        if now - faultsLoggedSince >= 1000 {
            faultsLoggedSince = now
            faultsLogged = 0
        }
        faultsLogged += 1
        guard faultsLogged <= Self.faultsLoggedPerSecondMax else { return }
        logger.notice("connection closed: \(fault)", metadata: ["peer": "\(peer)"])
    }
}
