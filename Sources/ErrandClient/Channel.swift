internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire
internal import Synchronization

/// One connection's worth of calls: sends them, matches replies, and connects again when the connection is lost.
///
/// Tasks append their frames to one encoder under one lock, and the loop sends all that has gathered in one write.
/// No system call is made and no continuation is resumed under the lock.
final class Channel: Sendable {
    let configuration: ClientConfiguration
    let loop: EventLoop
    let host: String
    let port: UInt16
    private let state = Mutex(ChannelState())
    private let deadlineTimer = Mutex<LoopTimer?>(nil)
    private let reconnectTimer = Mutex<LoopTimer?>(nil)

    init(host: String, port: UInt16, configuration: ClientConfiguration, loop: EventLoop) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.loop = loop
        // The timers hold the channel until `close`, which a client does at its end at the latest. Not weakly: an object that
        // was ever referred to weakly keeps its counts elsewhere, and every call counts this one.
        deadlineTimer.withLock { $0 = loop.makeTimer { self.deadlinesPassed() } }
        reconnectTimer.withLock { $0 = loop.makeTimer { self.connectNow() } }
    }

    // MARK: Calls

    /// Sends the call, or keeps it until it can be sent. It ends through its own continuation.
    ///
    /// - Parameter now: steady milliseconds, the moment that the call's deadline was reckoned from.
    func start(_ call: OutstandingCall, at now: Int64) {
        let (action, armsDeadline, armsBriefWaits) = state.withLock { state -> (ChannelState.Action, Bool, Bool) in
            (
                state.start(call, at: now, waitingCallCountMax: configuration.waitingCallCountMax),
                state.armDeadline(call.deadline), state.armEndOfBriefWaits()
            )
        }
        if armsDeadline { armDeadlineTimer() }
        if armsBriefWaits { loop.beforeLeaving { self.endBriefWaits() } }
        perform(action)
    }

    private func endBriefWaits() {
        for call in state.withLock({ $0.endBriefWaits() }) { call.wake() }
    }

    /// The task that waits for `call` has been cancelled.
    func cancel(_ call: OutstandingCall) {
        let action = state.withLock { $0.cancel(call) }
        perform(action)
    }

    private func perform(_ action: ChannelState.Action) {
        switch action {
        case .none: break
        case .flush(let connection): flush(connection)
        case .connect: loop.post { self.connectNow() }
        case .fail(let call, let error): call.fail(error)
        case .failAndFlush(let call, let error, let connection):
            call.fail(error)
            flush(connection)
        }
    }

    private func flush(_ connection: ClientConnection) {
        if loop.isOnLoop { return connection.connection.setDirty() }
        loop.post { connection.connection.setDirty() }
    }

    // MARK: Deadlines

    /// Reads what to set the timer for under the timer's own lock: whoever sets it last sets the earliest deadline.
    private func armDeadlineTimer() {
        deadlineTimer.withLock { timer in
            let deadline = state.withLock { $0.deadlineArmed }
            guard deadline != .max else { return }
            timer?.schedule(afterMilliseconds: deadline - SystemCall.steadyMilliseconds)
        }
    }

    private func deadlinesPassed() {
        let expired = state.withLock { $0.expire(at: SystemCall.steadyMilliseconds) }
        for (call, error) in expired { call.fail(error) }
        armDeadlineTimer()
        retireIfSpent()
    }

    // MARK: Connecting

    /// Waits until there is a connection, or the first attempt has failed.
    func connect() async throws(ErrandError) {
        let result = await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Result<Void, ErrandError>, Never>) in
            let (result, begins) = state.withLock { $0.awaitConnection(continuation) }
            if let result { continuation.resume(returning: result) }
            if begins { loop.post { self.connectNow() } }
        }
        try result.get()
    }

    private func connectNow() {
        guard state.withLock({ $0.beginConnecting() }) else { return }
        let timeout = configuration.connectTimeout.milliseconds
        let deadline = loop.steadyMilliseconds + timeout
        Connector.connect(host: host, port: port, loop: loop, timeoutMilliseconds: timeout) { [self] outcome in
            switch consume outcome {
            case .connected(let socket, let isLoopback): opened(socket, isLoopback: isLoopback, greetedBy: deadline)
            case .failed(let reason): failed(ErrandError(.unavailable, "cannot reach \(reason)"))
            }
        }
    }

    private func opened(_ socket: consuming SocketHandle, isLoopback: Bool, greetedBy deadline: Int64) {
        var hello = Hello()
        let compresses =
            switch configuration.compression {
            case .on: true
            case .off: false
            case .automatic: !isLoopback
            }
        hello.compressions = compresses ? 1 : 0
        hello.checksums = configuration.checksums ? 1 : 0
        hello.clientName = String(decoding: configuration.clientName.utf8.prefix(60), as: UTF8.self)
        hello.clientVersion = "0.1.0"
        // The upper half is ignorable; random bits there keep servers honest (SPEC §7.1).
        hello.features = UInt64.random(in: 0...UInt64.max) & 0xFFFF_FFFF_0000_0000
        let connection = ClientConnection(
            Connection(socket, loop: loop), channel: self, hello: hello, greetedBy: deadline)
        guard state.withLock({ $0.open(connection, hello) }) else { return }
        do throws(SystemError) {
            try connection.connection.start(connection)
            connection.connection.setDirty()
        } catch {
            failed(ErrandError(.unavailable, "cannot watch the connection: \(error)"))
        }
    }

    private func failed(_ error: ErrandError) {
        let (waiters, delay) = state.withLock { $0.attemptFailed(error, configuration) }
        for waiter in waiters { waiter.resume(returning: .failure(error)) }
        if let delay { reconnectTimer.withLock { $0?.schedule(afterMilliseconds: delay) } }
    }

    // MARK: Events of the connection, on the loop

    func welcomed(_ welcome: Welcome) {
        let (waiters, failures, connection) = state.withLock { $0.welcomed(welcome) }
        for waiter in waiters { waiter.resume(returning: .success(())) }
        for (call, error) in failures { call.fail(error) }
        connection?.connection.setDirty()
    }

    func reply(_ header: FrameHeader, _ body: RawSpan) -> Bool {
        switch state.withLock({ $0.reply(header) }) {
        case .unknown: return false
        case .abandoned: return true
        case .call(let call):
            call.succeed(header, body)
            return true
        }
    }

    /// All that one read brought has been handled.
    func readEnded() {
        let (failures, connection, isSpent) = state.withLock { $0.repliesTaken() }
        for (call, error) in failures { call.fail(error) }
        connection?.connection.setDirty()
        if isSpent { retireIfSpent() }
    }

    func pong(opaque: UInt64) {
        let connection = state.withLock { $0.pong(opaque: opaque) }
        connection?.connection.setDirty()
    }

    func ping(opaque: UInt64) {
        let connection = state.withLock { $0.ping(opaque: opaque) }
        connection?.connection.setDirty()
    }

    func goAway(_ goAway: GoAway) {
        state.withLock { $0.goAway(lastRequestId: goAway.lastRequestId) }
    }

    func refused(_ error: ErrandError) {
        state.withLock { $0.refused(error) }
    }

    /// Leaves a server that stops, as soon as it owes no reply.
    func retireIfSpent() {
        guard let connection = state.withLock({ $0.isSpent ? $0.connection : nil }) else { return }
        lost(connection, ErrandError(.unavailable, "the server is stopping"))
        connection.connection.close()
    }

    func seal(into output: inout [UInt8], codec: inout SegmentCodec, for connection: ClientConnection) {
        state.withLock { $0.seal(into: &output, with: codec.deflater, for: connection) }
    }

    // MARK: Watches

    func giveCredit(_ credit: UInt32, requestId: UInt64, of watch: ActiveWatch) {
        let connection = state.withLock { $0.giveCredit(credit, requestId: requestId, of: watch) }
        if let connection { flush(connection) }
    }

    func endWatch(_ requestId: UInt64, of watch: ActiveWatch) {
        let connection = state.withLock { $0.endWatch(requestId, of: watch) }
        if let connection { flush(connection) }
    }

    /// What a watch brings; on the loop. False if there is no such watch.
    func watched(_ requestId: UInt64, _ items: some Sequence<WatchItem>, isLast: Bool = false) -> Bool {
        let watch = state.withLock { state -> ActiveWatch?? in
            isLast ? state.watches.removeValue(forKey: requestId) : state.watches[requestId]
        }
        guard let watch else { return false }
        return watch?.put(items) ?? true
    }

    /// The connection is gone: fails what may have run, keeps what is safe to send again, and connects anew.
    func lost(_ connection: ClientConnection, _ error: ErrandError) {
        let loss = state.withLock { $0.lost(connection, error, configuration) }
        for (call, error) in loss.failed { call.fail(error) }
        for watch in loss.watches {
            _ = watch.put([.ended(ErrandError(.unavailable, loss.error.message, applied: .no))])
        }
        for waiter in loss.waiters { waiter.resume(returning: .failure(loss.error)) }
        if let delay = loss.reconnectDelay { reconnectTimer.withLock { $0?.schedule(afterMilliseconds: delay) } }
    }

    // MARK: Facts and end

    var welcome: Welcome? { state.withLock { $0.welcome } }
    var thingArnPrefix: String { state.withLock { $0.thingArnPrefix } }
    /// Bytes of this channel's past and present connections: on the wire, and as they would be without compression.
    func byteCounts() async -> ByteCounts {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<ByteCounts, Never>) in
            loop.post { continuation.resume(returning: self.state.withLock { $0.total(of: $0.connection) }) }
        }
    }

    func close() {
        deadlineTimer.withLock { $0 = nil }
        reconnectTimer.withLock { $0 = nil }
        let (failures, waiters, watches, connection) = state.withLock { state in
            let watches = state.takeWatches()
            let end = state.close()
            return (end.failures, end.waiters, watches, end.connection)
        }
        for watch in watches { _ = watch.put([.ended(ChannelState.closed())]) }
        for (call, error) in failures { call.fail(error) }
        for waiter in waiters { waiter.resume(returning: .failure(ChannelState.closed())) }
        guard let connection else { return }
        loop.post { connection.connection.close() }
    }
}
