internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire

/// What the tasks and the loop of a channel share, under the channel's lock. It makes no system call and resumes
/// nobody: it returns what its owner has to do.
struct ChannelState: ~Copyable {
    typealias ConnectWaiter = UnsafeContinuation<Result<Void, ErrandError>, Never>

    enum Phase {
        case idle
        case connecting
        case greeting
        case ready
        /// The server stops: it answers what it has, and new calls wait for another connection.
        case goingAway
        /// A connection was lost or refused; the next attempt is on a timer.
        case backingOff
        case closed
    }

    enum Action {
        case none
        case flush(ClientConnection)
        case connect
        case fail(OutstandingCall, ErrandError)
        case failAndFlush(OutstandingCall, ErrandError, ClientConnection)
    }

    /// A call that was sent; without `call` when nobody waits for its reply any more.
    private struct InFlight {
        var call: OutstandingCall?
        var opcode: UInt8
        var frameByteCount: Int
    }

    private(set) var phase = Phase.idle
    private(set) var connection: ClientConnection?
    private(set) var welcome: Welcome?
    var lastError = ErrandError(.unavailable, "not connected yet")
    private var encoder = SegmentEncoder(
        agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
    private var window = CallWindow(callCountMax: 1, byteCountMax: 1)
    private var inFlight: [UInt64: InFlight] = [:]
    private var waiting = WaitingCalls()
    private var lastRequestId: UInt64 = 0
    /// Calls in flight whose replies nobody waits for.
    private var abandonedCount = 0
    private var flushIsDue = false
    private var connectWaiters: [ConnectWaiter] = []
    private var attemptCount = 0
    /// Which attempt to connect this is: an outcome that comes after its deadline belongs to none.
    private var attempt = 0
    private var deadlineArmed = Int64.max

    private static let cancelCallCountMax = 256

    // MARK: Calls

    mutating func start(_ call: OutstandingCall, waitingCallCountMax: Int) -> Action {
        guard !call.isCancelled else { return .fail(call, Self.cancelled(call, wasSent: false)) }
        call.isRegistered = true
        switch phase {
        case .ready where waiting.isEmpty:
            switch send(call) {
            case .sent: return flush()
            case .noRoom: waiting.append(call)
            case .tooLarge: return .fail(call, tooLarge(call))
            }
        case .ready, .connecting, .greeting, .goingAway, .backingOff:
            guard waiting.count < waitingCallCountMax else {
                return .fail(call, ErrandError(.resourceExhausted, "\(waiting.count) calls wait already"))
            }
            waiting.append(call)
        case .idle:
            waiting.append(call)
            return .connect
        case .closed:
            return .fail(call, ErrandError(.cancelled, "the client is closed", applied: .no))
        }
        return .none
    }

    private enum SendResult { case sent, noRoom, tooLarge }

    private mutating func send(_ call: OutstandingCall) -> SendResult {
        guard window.callCount < window.callCountMax else { return .noRoom }
        encoder.frameByteCountMax = window.callCount == 0 ? .max : max(0, window.byteCountMax - window.byteCount)
        let timeout = UInt32(clamping: max(1, call.deadline - SystemCall.steadyMilliseconds))
        guard call.append(to: &encoder, requestId: lastRequestId + 1, timeoutMilliseconds: timeout) else {
            return encoder.lastFrameByteCount > encoder.segmentByteCountMax ? .tooLarge : .noRoom
        }
        lastRequestId += 1
        call.requestId = lastRequestId
        call.frameByteCount = encoder.lastFrameByteCount
        window.began(byteCount: call.frameByteCount)
        inFlight[lastRequestId] = InFlight(call: call, opcode: call.opcode, frameByteCount: call.frameByteCount)
        return .sent
    }

    /// Sends what has waited, as far as the window goes; returns what cannot be sent at all.
    private mutating func sendWaiting() -> [(OutstandingCall, ErrandError)] {
        var failures: [(OutstandingCall, ErrandError)] = []
        while phase == .ready, let call = waiting.first {
            switch send(call) {
            case .sent: waiting.removeFirst()
            case .noRoom: return failures
            case .tooLarge:
                waiting.removeFirst()
                failures.append((call, tooLarge(call)))
            }
        }
        return failures
    }

    private mutating func flush() -> Action {
        guard let connection, !flushIsDue else { return .none }
        flushIsDue = true
        return .flush(connection)
    }

    /// The connection to mark for flushing, if it has not been already.
    private mutating func connectionToFlush() -> ClientConnection? {
        guard !encoder.isEmpty, !flushIsDue, let connection else { return nil }
        flushIsDue = true
        return connection
    }

    mutating func seal(into output: inout [UInt8], with deflater: borrowing Deflater) {
        flushIsDue = false
        encoder.seal(into: &output, with: deflater)
    }

    mutating func appendControl(_ message: Ping, _ opcode: Opcode) -> ClientConnection? {
        guard phase == .ready else { return nil }
        encoder.appendControl(message, opcode)
        return connectionToFlush()
    }

    // MARK: Ends of calls

    typealias ReplyResult = (
        isKnown: Bool, call: OutstandingCall?, thingArnPrefix: String, failures: [(OutstandingCall, ErrandError)],
        connection: ClientConnection?
    )

    mutating func reply(_ header: FrameHeader) -> ReplyResult {
        guard let entry = inFlight[header.requestId], entry.opcode == header.opcode else {
            return (false, nil, "", [], nil)
        }
        inFlight[header.requestId] = nil
        if entry.call == nil { abandonedCount -= 1 }
        window.ended(byteCount: entry.frameByteCount)
        let failures = waiting.isEmpty ? [] : sendWaiting()
        return (true, entry.call, welcome?.thingArnPrefix ?? "", failures, connectionToFlush())
    }

    mutating func cancel(_ call: OutstandingCall) -> Action {
        guard call.isRegistered else {
            call.isCancelled = true
            return .none
        }
        if call.requestId != 0 {
            guard inFlight[call.requestId]?.call === call else { return .none }
            abandon(call, tellsServer: true)
            let error = Self.cancelled(call, wasSent: true)
            guard let connection = connectionToFlush() else { return .fail(call, error) }
            return .failAndFlush(call, error, connection)
        }
        guard waiting.remove(call) else { return .none }
        return .fail(call, Self.cancelled(call, wasSent: false))
    }

    /// Nobody waits for its reply any more; its place in the window is free when the reply comes (SPEC §6 `CALL-3`).
    private mutating func abandon(_ call: OutstandingCall, tellsServer: Bool) {
        inFlight[call.requestId]?.call = nil
        abandonedCount += 1
        // Advisory, and bounded far below the server's budget for control messages (SPEC §7.4 `CTL-1`).
        if tellsServer && abandonedCount <= Self.cancelCallCountMax {
            encoder.appendCancelCall(requestId: call.requestId)
        }
    }

    /// Ends what has waited too long; returns it, the next deadline to arm for, and what to flush.
    mutating func expire(
        at now: Int64
    ) -> (expired: [(OutstandingCall, ErrandError)], next: Int64?, connection: ClientConnection?) {
        deadlineArmed = .max
        var expired: [(OutstandingCall, ErrandError)] = []
        var next = Int64.max
        for case let call? in inFlight.values.map(\.call) {
            if call.deadline <= now {
                // The server knows the deadline too.
                abandon(call, tellsServer: false)
                expired.append(
                    (call, ErrandError(.deadlineExceeded, "no reply in time", applied: call.isMutation ? .unknown : .no)))
            } else {
                next = min(next, call.deadline)
            }
        }
        for call in waiting.removeExpired(at: now) {
            let message = phase == .ready ? "no room to send in time" : "not connected: \(lastError.message)"
            expired.append((call, ErrandError(phase == .ready ? .deadlineExceeded : .unavailable, message, applied: .no)))
        }
        next = min(next, waiting.earliestDeadline)
        if next == .max { return (expired, nil, connectionToFlush()) }
        deadlineArmed = next
        return (expired, next, connectionToFlush())
    }

    /// When the timer has to be set for this deadline: the deadline itself.
    mutating func armDeadline(_ deadline: Int64) -> Int64? {
        guard deadline < deadlineArmed else { return nil }
        deadlineArmed = deadline
        return deadline
    }

    private static func cancelled(_ call: OutstandingCall, wasSent: Bool) -> ErrandError {
        ErrandError(
            .cancelled, "the task was cancelled", applied: wasSent && call.isMutation ? .unknown : .no)
    }

    private func tooLarge(_ call: OutstandingCall) -> ErrandError {
        ErrandError(
            .resourceExhausted,
            "the call has \(encoder.lastFrameByteCount) bytes, the server takes \(encoder.segmentByteCountMax)")
    }

    // MARK: Connecting

    mutating func awaitConnection(_ waiter: ConnectWaiter) -> (result: Result<Void, ErrandError>?, begins: Bool) {
        switch phase {
        case .ready: return (.success(()), false)
        case .closed: return (.failure(ErrandError(.cancelled, "the client is closed", applied: .no)), false)
        case .idle, .connecting, .greeting, .goingAway, .backingOff:
            connectWaiters.append(waiter)
            return (nil, phase == .idle)
        }
    }

    /// Returns which attempt begins.
    mutating func beginConnecting() -> Int? {
        guard phase == .idle || phase == .backingOff else { return nil }
        phase = .connecting
        attempt += 1
        return attempt
    }

    /// What an attempt that takes too long is doing; nothing if there is none.
    var unfinishedAttempt: (number: Int, connection: ClientConnection?)? {
        switch phase {
        case .connecting: (attempt, nil)
        case .greeting: (attempt, connection)
        case .idle, .ready, .goingAway, .backingOff, .closed: nil
        }
    }

    /// The socket is there: magic and HELLO go out first. False if the channel was closed or has given up meanwhile.
    mutating func open(_ connection: ClientConnection, _ hello: Hello, attempt: Int) -> Bool {
        guard phase == .connecting, attempt == self.attempt else { return false }
        self.connection = connection
        encoder = SegmentEncoder(
            agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
        encoder.appendMagic()
        encoder.appendControl(hello, .hello)
        flushIsDue = true
        lastRequestId = 0
        phase = .greeting
        return true
    }

    mutating func welcomed(
        _ welcome: Welcome
    ) -> (waiters: [ConnectWaiter], failures: [(OutstandingCall, ErrandError)], connection: ClientConnection?) {
        guard phase == .greeting else { return ([], [], nil) }
        self.welcome = welcome
        phase = .ready
        attemptCount = 0
        encoder.agreement = SegmentAgreement(compression: welcome.compression == 1, checksums: welcome.checksums == 1)
        encoder.segmentByteCountMax = Int(clamping: welcome.segmentByteCountMax)
        window = CallWindow(
            callCountMax: Int(clamping: welcome.callsInFlightMax), byteCountMax: Int(clamping: welcome.bytesInFlightMax))
        defer { connectWaiters = [] }
        return (connectWaiters, sendWaiting(), connectionToFlush())
    }

    mutating func attemptFailed(
        _ error: ErrandError, _ configuration: ClientConfiguration, attempt: Int
    ) -> (waiters: [ConnectWaiter], delay: Int64?) {
        guard phase == .connecting || phase == .greeting, attempt == self.attempt else { return ([], nil) }
        lastError = error
        connection = nil
        defer { connectWaiters = [] }
        return (connectWaiters, backOff(configuration))
    }

    /// The next delay, full jitter; nothing if nobody waits for a connection.
    private mutating func backOff(_ configuration: ClientConfiguration) -> Int64? {
        guard !waiting.isEmpty else {
            phase = .idle
            return nil
        }
        phase = .backingOff
        let base = configuration.reconnectDelay.milliseconds
        let ceiling = min(configuration.reconnectDelayMax.milliseconds, base << min(attemptCount, 20))
        attemptCount += 1
        return Int64.random(in: 0...max(1, ceiling))
    }

    /// The server wants no more calls here: later ones were not executed and go out again elsewhere (SPEC §7.5).
    mutating func goAway(lastRequestId: UInt64) {
        guard phase == .ready else { return }
        phase = .goingAway
        let ids = inFlight.keys.filter { $0 > lastRequestId }.sorted()
        let calls = ids.compactMap { inFlight.removeValue(forKey: $0)?.call }
        requeue(calls)
    }

    /// Puts calls that are safe to send again before all that waits.
    private mutating func requeue(_ calls: [OutstandingCall]) {
        for call in calls { call.requestId = 0 }
        waiting.prepend(calls)
    }

    struct Loss {
        var error = ErrandError(.unavailable, "")
        var failed: [(OutstandingCall, ErrandError)] = []
        var waiters: [ConnectWaiter] = []
        var reconnectDelay: Int64?
    }

    /// The connection is gone. Reads go out again; a mutation that was sent may have run, and says so.
    mutating func lost(_ gone: ClientConnection, _ error: ErrandError, _ configuration: ClientConfiguration) -> Loss {
        guard connection === gone, phase != .closed else { return Loss() }
        var loss = Loss()
        // What the server said before it closed tells more than that it closed.
        loss.error = phase == .greeting && lastError.code != .unavailable ? lastError : error
        lastError = loss.error
        let wasGoingAway = phase == .goingAway
        byteCounts = total(of: gone)
        connection = nil
        var again: [OutstandingCall] = []
        for id in inFlight.keys.sorted() {
            guard let call = inFlight[id]?.call else { continue }
            if call.isMutation {
                let failure = ErrandError(loss.error.code, loss.error.message, applied: .unknown)
                loss.failed.append((call, failure))
            } else {
                again.append(call)
            }
        }
        inFlight.removeAll(keepingCapacity: true)
        abandonedCount = 0
        requeue(again)
        loss.waiters = connectWaiters
        connectWaiters = []
        loss.reconnectDelay = backOff(configuration)
        if wasGoingAway, loss.reconnectDelay != nil { loss.reconnectDelay = 0 }
        return loss
    }

    // MARK: Facts and end

    /// Of connections that are gone.
    private(set) var byteCounts = ByteCounts()

    /// With the connection that is open; on its loop.
    func total(of connection: ClientConnection?) -> ByteCounts {
        guard let connection else { return byteCounts }
        return byteCounts + connection.byteCounts + ByteCounts(rawSent: encoder.rawByteCount)
    }

    mutating func close() -> (calls: [OutstandingCall], waiters: [ConnectWaiter], connection: ClientConnection?) {
        phase = .closed
        let calls = inFlight.values.compactMap(\.call) + waiting.removeAll()
        inFlight = [:]
        defer { connectWaiters = [] }
        return (calls, connectWaiters, connection)
    }
}
