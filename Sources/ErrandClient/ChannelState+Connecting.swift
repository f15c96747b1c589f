internal import ErrandCore
internal import ErrandWire

/// How a channel comes by its connection, and what becomes of the calls when it goes.
extension ChannelState {
    /// What is kept for a server that takes calls and does not answer, whatever window it promises.
    private static let callsInFlightMax = 65_536
    private static let bytesInFlightMax = 1 << 24

    mutating func awaitConnection(_ waiter: ConnectWaiter) -> (result: Result<Void, ErrandError>?, begins: Bool) {
        switch phase {
        case .ready: return (.success(()), false)
        case .closed: return (.failure(Self.closed()), false)
        case .idle, .connecting, .greeting, .goingAway, .backingOff:
            connectWaiters.append(waiter)
            return (nil, phase == .idle)
        }
    }

    mutating func beginConnecting() -> Bool {
        guard phase == .idle || phase == .backingOff else { return false }
        phase = .connecting
        return true
    }

    /// The socket is there: magic and HELLO go out first. False if the channel was closed meanwhile.
    mutating func open(_ connection: ClientConnection, _ hello: Hello) -> Bool {
        guard phase == .connecting else { return false }
        self.connection = connection
        begin(hello)
        refusal = nil
        phase = .greeting
        return true
    }

    mutating func welcomed(
        _ welcome: Welcome
    ) -> (waiters: [ConnectWaiter], failures: [Ended], connection: ClientConnection?) {
        guard phase == .greeting else { return ([], [], nil) }
        self.welcome = welcome
        thingArnPrefix = welcome.thingArnPrefix
        phase = .ready
        encoder.agreement = SegmentAgreement(compression: welcome.compression == 1, checksums: welcome.checksums == 1)
        encoder.segmentByteCountMax = Int(clamping: welcome.segmentByteCountMax)
        window = CallWindow(
            callCountMax: min(Int(clamping: welcome.callsInFlightMax), Self.callsInFlightMax),
            byteCountMax: min(Int(clamping: welcome.bytesInFlightMax), Self.bytesInFlightMax))
        defer { connectWaiters = [] }
        return (connectWaiters, sendWaiting(), connectionToFlush())
    }

    mutating func attemptFailed(
        _ error: ErrandError, _ configuration: ClientConfiguration
    ) -> (waiters: [ConnectWaiter], delay: Int64?) {
        guard phase == .connecting || phase == .greeting else { return ([], nil) }
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

    mutating func refused(_ error: ErrandError) { refusal = error }

    /// The server wants no more calls here: later ones were not executed and go out again elsewhere (SPEC §7.5).
    mutating func goAway(lastRequestId: UInt64) {
        guard phase == .ready else { return }
        phase = .goingAway
        var again: [OutstandingCall] = []
        for (id, call) in inFlight.waitedFor where id > lastRequestId {
            again.append(call)
            // Its id stays known: the server may still answer UNAVAILABLE (SPEC §3).
            inFlight.abandon(id)
            abandonedCount += 1
        }
        requeue(again)
    }

    /// Whether the server stops and owes nothing that anybody waits for: then nothing keeps this connection.
    var isSpent: Bool { phase == .goingAway && inFlight.count == abandonedCount }

    /// Puts calls that are safe to send again before all that waits.
    private mutating func requeue(_ calls: [OutstandingCall]) {
        for call in calls { call.requestId = 0 }
        waiting.prepend(calls)
    }

    struct Loss {
        var error = ErrandError(.unavailable, "")
        var failed: [Ended] = []
        var waiters: [ConnectWaiter] = []
        var reconnectDelay: Int64?
        var watches: [ActiveWatch] = []
    }

    /// The connection is gone. What is safe to repeat goes out again; another change may have run, and says so.
    mutating func lost(_ gone: ClientConnection, _ error: ErrandError, _ configuration: ClientConfiguration) -> Loss {
        guard connection === gone else { return Loss() }
        byteCounts = total(of: gone)
        // Ends the cycle of channel and connection, also when the channel is closed.
        connection = nil
        guard phase != .closed else { return Loss() }
        var loss = Loss()
        // What the server said before it closed tells more than that it closed.
        loss.error = refusal ?? error
        lastError = loss.error
        let wasGoingAway = phase == .goingAway
        // A server that breaks the protocol is asked to change nothing again; what it reports itself may pass.
        let (again, unsafe) = sortedOut(repeatsChanges: refusal != nil || error.code != .protocolError)
        let failure = ErrandError(loss.error.code, loss.error.message, applied: .unknown)
        loss.failed = unsafe.map { (call: $0, error: failure) }
        inFlight.removeAll()
        abandonedCount = 0
        requeue(again)
        loss.watches = takeWatches()
        loss.waiters = connectWaiters
        connectWaiters = []
        loss.reconnectDelay = backOff(configuration)
        if wasGoingAway, loss.reconnectDelay != nil { loss.reconnectDelay = 0 }
        return loss
    }

    /// What was in flight, in the order sent. A server remembers the last keys of an execution or a job: of more changes
    /// than that, in flight at once, the first may be forgotten, and must not be sent again (SPEC §6 `CALL-10`).
    private func sortedOut(repeatsChanges: Bool) -> (again: [OutstandingCall], unsafe: [OutstandingCall]) {
        var changeCounts: [Int: Int] = [:]
        func isRemembered(_ call: OutstandingCall) -> Bool {
            var isRemembered = true
            for subject in call.subjects {
                changeCounts[subject, default: 0] += 1
                if changeCounts[subject, default: 0] > CallNature.rememberedKeyCount { isRemembered = false }
            }
            return isRemembered
        }
        // Those wait for a connection since the one before, and stand behind what has been sent again already.
        for call in waiting.all.reversed() where call.mayHaveRun { _ = isRemembered(call) }
        var again: [OutstandingCall] = []
        var unsafe: [OutstandingCall] = []
        for (_, call) in inFlight.waitedFor.reversed() {
            if call.nature.isSafeToRepeat, repeatsChanges || !call.isMutation, isRemembered(call) {
                call.mayHaveRun = call.isMutation
                again.append(call)
            } else {
                unsafe.append(call)
            }
        }
        return (again.reversed(), unsafe.reversed())
    }

    // MARK: Facts and end

    /// With the connection that is open; on its loop.
    func total(of connection: ClientConnection?) -> ByteCounts {
        guard let connection else { return byteCounts }
        return byteCounts + connection.byteCounts + ByteCounts(rawSent: encoder.rawByteCount)
    }

    mutating func close() -> (failures: [Ended], waiters: [ConnectWaiter], connection: ClientConnection?) {
        phase = .closed
        let sent = inFlight.waitedFor.map(\.call)
        let failures =
            sent.map { (call: $0, error: Self.closed($0.applied(wasSent: true))) }
            + waiting.removeAll().map { (call: $0, error: Self.closed($0.applied(wasSent: false))) }
        inFlight.removeAll()
        abandonedCount = 0
        defer { connectWaiters = [] }
        return (failures, connectWaiters, connection)
    }
}
