internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire

/// What the tasks and the loop of a channel share, under the channel's lock. It makes no system call and resumes
/// nobody: it returns what its owner has to do.
struct ChannelState: ~Copyable {
    typealias Ended = (call: OutstandingCall, error: ErrandError)
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

    /// What is rare is indirect, so that each call hands on a word and not an error's hundred bytes.
    enum Action {
        case none
        case flush(ClientConnection)
        case connect
        indirect case fail(OutstandingCall, ErrandError)
        indirect case failAndFlush(OutstandingCall, ErrandError, ClientConnection)
    }

    /// A call that was sent; without `call` when nobody waits for its reply any more.
    struct InFlight {
        var call: OutstandingCall?
        var opcode: UInt8
        var frameByteCount: Int
    }

    var phase = Phase.idle
    var connection: ClientConnection?
    var welcome: Welcome?
    /// The last WELCOME's, by itself: every reply asks for it.
    var thingArnPrefix = ""
    var lastError = ErrandError(.unavailable, "not connected yet")
    /// What the server said in CONNECTION_ERROR before it closed.
    var refusal: ErrandError?
    var encoder = SegmentEncoder(
        agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
    var window = CallWindow(callCountMax: 1, byteCountMax: 1)
    var inFlight = InFlightCalls()
    var waiting = WaitingCalls()
    /// Watches of this connection by the id of their call; nothing for one that nobody takes from any more.
    var watches: [UInt64: ActiveWatch?] = [:]
    var lastRequestId: UInt64 = 0
    /// Calls in flight whose replies nobody waits for.
    var abandonedCount = 0
    var connectWaiters: [ConnectWaiter] = []
    var attemptCount = 0
    /// Of connections that are gone.
    var byteCounts = ByteCounts()
    private var flushIsDue = false
    /// Whether the brief waits will be ended before the loop next comes to rest.
    private var endOfBriefWaitsIsDue = false
    private var pongDue: UInt64?
    /// What the timer is set for.
    private(set) var deadlineArmed = Int64.max

    private static let cancelCallCountMax = 256

    // MARK: Calls

    /// - Parameter now: steady milliseconds, the moment that the call's deadline was reckoned from.
    mutating func start(_ call: OutstandingCall, at now: Int64, waitingCallCountMax: Int) -> Action {
        guard !call.isCancelled else { return .fail(call, Self.cancelled(call, wasSent: false)) }
        call.isRegistered = true
        switch phase {
        case .ready where waiting.isEmpty:
            switch send(call, at: now) {
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
            return .fail(call, Self.closed())
        }
        return .none
    }

    private enum SendResult { case sent, noRoom, tooLarge }

    private mutating func send(_ call: OutstandingCall, at now: Int64) -> SendResult {
        guard window.callCount < window.callCountMax else { return .noRoom }
        // The window binds calls only; control messages go out whatever room it has.
        defer { encoder.frameByteCountMax = .max }
        encoder.frameByteCountMax = window.callCount == 0 ? .max : max(0, window.byteCountMax - window.byteCount)
        let timeout = UInt32(clamping: max(1, call.deadline - now))
        guard call.append(to: &encoder, requestId: lastRequestId + 1, timeoutMilliseconds: timeout) else {
            return encoder.lastFrameByteCount > encoder.segmentByteCountMax ? .tooLarge : .noRoom
        }
        lastRequestId += 1
        call.requestId = lastRequestId
        call.frameByteCount = encoder.lastFrameByteCount
        window.began(byteCount: call.frameByteCount)
        inFlight.add(
            InFlight(call: call, opcode: call.opcode, frameByteCount: call.frameByteCount), id: lastRequestId)
        return .sent
    }

    /// Whether somebody has to see to the end of the brief waits, one of which has just begun.
    mutating func armEndOfBriefWaits() -> Bool {
        defer { endOfBriefWaitsIsDue = true }
        return !endOfBriefWaitsIsDue
    }

    /// Those whose tasks have waited without a cancellation handler; they have to be woken.
    mutating func endBriefWaits() -> [OutstandingCall] {
        endOfBriefWaitsIsDue = false
        return inFlight.waitedFor.map(\.call).filter { $0.endBriefWait() } + waiting.all.filter { $0.endBriefWait() }
    }

    /// Sends what has waited, as far as the window goes; returns what cannot be sent at all.
    mutating func sendWaiting() -> [Ended] {
        var failures: [Ended] = []
        let now = SystemCall.steadyMilliseconds
        while phase == .ready, let call = waiting.first {
            switch send(call, at: now) {
            case .sent: waiting.removeFirst()
            case .noRoom: return failures
            case .tooLarge:
                waiting.removeFirst()
                failures.append((call, tooLarge(call)))
            }
        }
        return failures
    }

    // MARK: Bytes out

    private mutating func flush() -> Action {
        guard let connection, !flushIsDue else { return .none }
        flushIsDue = true
        return .flush(connection)
    }

    /// The connection to mark for flushing, if it has not been already.
    mutating func connectionToFlush() -> ClientConnection? {
        guard !encoder.isEmpty || pongDue != nil, !flushIsDue, let connection else { return nil }
        flushIsDue = true
        return connection
    }

    mutating func seal(into output: inout [UInt8], with deflater: borrowing Deflater, for asking: ClientConnection) {
        // A connection that is on its way out must not take what is meant for the next one.
        guard connection === asking else { return }
        flushIsDue = false
        if let pongDue {
            encoder.appendControl(Ping(opaque: pongDue), .pong)
            self.pongDue = nil
        }
        encoder.seal(into: &output, with: deflater)
    }

    /// A new connection begins with magic and HELLO, and owes nothing of the last one's.
    mutating func begin(_ hello: Hello) {
        encoder = SegmentEncoder(
            agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
        encoder.appendMagic()
        encoder.appendControl(hello, .hello)
        pongDue = nil
        flushIsDue = true
        lastRequestId = 0
    }

    mutating func ping(opaque: UInt64) -> ClientConnection? {
        guard phase == .ready || phase == .goingAway else { return nil }
        encoder.appendControl(Ping(opaque: opaque), .ping)
        return connectionToFlush()
    }

    /// Only the last PING of a turn is answered, so that a flood of them cannot grow what waits (SPEC §7.4).
    mutating func pong(opaque: UInt64) -> ClientConnection? {
        pongDue = opaque
        return connectionToFlush()
    }

    // MARK: Watches

    mutating func giveCredit(_ credit: UInt32, requestId: UInt64, of watch: ActiveWatch) -> ClientConnection? {
        guard case .some(let known?) = watches[requestId], known === watch else { return nil }
        encoder.appendWatchCredit(credit, requestId: requestId)
        return connectionToFlush()
    }

    /// Its messages are taken, and dropped, until the server has ended it.
    mutating func endWatch(_ requestId: UInt64, of watch: ActiveWatch) -> ClientConnection? {
        guard case .some(let known?) = watches[requestId], known === watch else { return nil }
        watches.updateValue(nil, forKey: requestId)
        encoder.appendEndWatch(requestId: requestId)
        return connectionToFlush()
    }

    /// The connection is gone, and with it its watches.
    mutating func takeWatches() -> [ActiveWatch] {
        defer { watches = [:] }
        return watches.values.compactMap { $0 }
    }

    // MARK: Ends of calls

    enum Reply {
        case unknown
        /// Nobody waits for it any more.
        case abandoned
        case call(OutstandingCall)
    }

    /// A reply has come. `repliesTaken` has to follow when all that came with it have been handled.
    mutating func reply(_ header: FrameHeader) -> Reply {
        guard let entry = inFlight.take(header.requestId, opcode: header.opcode) else { return .unknown }
        // Only a server that answers ends the back-off: one that greets and drops us would be called without pause.
        attemptCount = 0
        window.ended(byteCount: entry.frameByteCount)
        if header.opcode == Opcode.watch.rawValue, header.status == 0 {
            watches.updateValue(entry.call?.watch, forKey: header.requestId)
            if entry.call == nil { encoder.appendEndWatch(requestId: header.requestId) }
        }
        guard let call = entry.call else {
            abandonedCount -= 1
            return .abandoned
        }
        call.thingArnPrefix = thingArnPrefix
        return .call(call)
    }

    /// The replies of one read have been handled: what has waited for their room goes out together.
    mutating func repliesTaken() -> (failures: [Ended], connection: ClientConnection?, isSpent: Bool) {
        let failures = waiting.isEmpty ? [] : sendWaiting()
        return (failures, connectionToFlush(), isSpent)
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
        inFlight.abandon(call.requestId)
        abandonedCount += 1
        // Advisory, and bounded far below the server's budget for control messages (SPEC §7.4 `CTL-1`).
        if tellsServer && abandonedCount <= Self.cancelCallCountMax {
            encoder.appendCancelCall(requestId: call.requestId)
        }
    }

    /// Ends what has waited too long; afterwards the timer has to be set for `deadlineArmed`.
    mutating func expire(at now: Int64) -> [Ended] {
        var expired: [Ended] = []
        var next = Int64.max
        for (_, call) in inFlight.waitedFor {
            if call.deadline <= now {
                // The server knows the deadline too.
                abandon(call, tellsServer: false)
                expired.append(
                    (
                        call,
                        ErrandError(.deadlineExceeded, "no reply in time", applied: call.applied(wasSent: true))
                    ))
            } else {
                next = min(next, call.deadline)
            }
        }
        for call in waiting.removeExpired(at: now) {
            let message = phase == .ready ? "no room to send in time" : "not connected: \(lastError.message)"
            let code: StatusCode = phase == .ready ? .deadlineExceeded : .unavailable
            expired.append((call, ErrandError(code, message, applied: call.applied(wasSent: false))))
        }
        deadlineArmed = min(next, waiting.earliestDeadline)
        return expired
    }

    /// Whether the timer has to be set anew for this deadline.
    mutating func armDeadline(_ deadline: Int64) -> Bool {
        guard deadline < deadlineArmed else { return false }
        deadlineArmed = deadline
        return true
    }

    private static func cancelled(_ call: OutstandingCall, wasSent: Bool) -> ErrandError {
        ErrandError(
            .cancelled, "the task was cancelled", applied: call.applied(wasSent: wasSent))
    }

    private func tooLarge(_ call: OutstandingCall) -> ErrandError {
        ErrandError(
            .resourceExhausted,
            "the call has \(encoder.lastFrameByteCount) bytes, the server takes \(encoder.segmentByteCountMax)",
            applied: call.applied(wasSent: false))
    }

    static func closed(_ applied: Applied = .no) -> ErrandError {
        ErrandError(.cancelled, "the client is closed", applied: applied)
    }
}
