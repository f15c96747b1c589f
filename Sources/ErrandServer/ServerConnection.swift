internal import ErrandCore
internal import ErrandStore
internal import ErrandTransport
internal import ErrandWire
internal import Logging

/// One client's connection: bytes to calls, calls to the store in batches, outcomes to replies in one write.
///
/// `@unchecked Sendable`: all state is touched only on the loop of `connection`; `decided` hops there if it must.
final class ServerConnection: ConnectionHandler, @unchecked Sendable {
    private let connection: Connection
    private let context: LoopContext
    private var stream = FrameStream()
    private var state: ServerConnectionState<CallDecoder>
    private var clock: ConnectionClock
    private var batchesInFlight = 0
    /// Replies wait for a client that does not read: nothing more is decided for it (SPEC §3 `CON-9`).
    private var isHeld = false
    /// Whether the last tick found it so, and the client has taken too little ever since.
    private var wasHeldAtTick = false
    private var inputHasEnded = false
    /// The connection is gone; what is decided for it now goes nowhere.
    private var hasEnded = false
    /// Decided batches whose replies are not all written, because the client does not read; nearly always empty.
    private var undelivered: [CallBatch] = []
    private var seenSegmentCount: UInt64 = 0
    private let peer: String
    private lazy var watches = ConnectionWatches(context: context, owner: self)

    init(_ connection: Connection, context: LoopContext, peer: String, at now: Int64) {
        self.connection = connection
        self.context = context
        self.peer = peer
        clock = ConnectionClock(at: now)
        let decoder = CallDecoder(batchItemCountMax: Int(context.greeting.welcome.batchItemCountMax))
        state = ServerConnectionState(greeting: context.greeting, calls: decoder, at: now)
        state.calls.watches = watches
        connection.sendsAfterRead = true
    }

    // MARK: Bytes in

    func received(_ bytes: RawSpan, codec: inout SegmentCodec) {
        context.exchange(&state.calls.decoded)
        // Whatever was decoded has been submitted by then.
        defer { context.exchange(&state.calls.decoded) }
        let now = context.steadyMilliseconds
        state.advanceClock(to: now)
        state.calls.now = now
        state.calls.receivedAt = now
        state.calls.isDraining = state.phase == .draining
        do throws(ConnectionFault) {
            try stream.receive(bytes, codec: &codec, for: &state)
        } catch {
            fail(error)
        }
        clock.heard(
            at: now, isInsideSegment: stream.isInsideSegment, completedSegment: stream.segmentCount != seenSegmentCount)
        seenSegmentCount = stream.segmentCount
        work(&codec)
    }

    func inputEnded() {
        inputHasEnded = true
        closeWhenDone()
    }

    /// Decides what has gathered, and goes on with what a pause has kept, while the client takes its replies.
    private func work(_ codec: inout SegmentCodec) {
        submit()
        // Asked after every read, paused or not: a client that does not read is not read from either.
        while !holdsBack(), undelivered.isEmpty, stream.isPaused, state.phase != .closed {
            do throws(ConnectionFault) {
                try stream.resume(codec: &codec, for: &state)
            } catch {
                fail(error)
            }
            submit()
        }
        pumpWatches()
        if state.wantsToSend { connection.setDirty() }
        closeWhenDone()
    }

    private func submit() {
        guard !state.calls.decoded.calls.isEmpty else { return }
        let batch = context.takeBatch()
        batch.take(&state.calls.decoded)
        batchesInFlight += 1
        if batch.needsStore {
            batch.submit(to: context.store, at: context.clock.nowMilliseconds(), owner: self)
        } else {
            decided(batch)
        }
    }

    /// The store has decided a batch; on any thread.
    func decided(_ batch: CallBatch) {
        if connection.loop.isOnLoop {
            reply(batch)
        } else {
            connection.loop.post { [self] in
                reply(batch)
                pumpWatches()
                connection.setDirty()
                closeWhenDone()
            }
        }
    }

    private func reply(_ batch: CallBatch) {
        // A batch knows its connection: nothing may be left that keeps both alive.
        if hasEnded { return context.giveBack(batch) }
        undelivered.append(batch)
        deliver()
    }

    /// Writes decided outcomes as replies, one by one, as long as not too much waits for the client: so what waits is
    /// bounded by bytes, however large each reply is.
    private func deliver() {
        while let batch = undelivered.first {
            if state.encoder.needsBuffer { state.encoder.adopt(connection.loop.takeBuffer()) }
            deliver(batch)
            // The rest when the client has taken enough.
            if batch.deliveredCount < batch.callCount { return }
            undelivered.removeFirst()
            batchesInFlight -= 1
            context.status.answered(batch.callCount)
            context.giveBack(batch)
        }
    }

    private func deliver(_ batch: CallBatch) {
        let decided = batch.decided
        let replies = context.replyEncoder
        // In a local variable, because each access to a variable of a class is checked at run time.
        var encoder = state.takeEncoder()
        defer { state.giveBack(&encoder) }
        let calls = decided.calls.calls
        var count = batch.deliveredCount
        var answeredByteCount = 0
        let encodedByteCountMax = WireLimits.outputByteCountSoftMax - connection.waitingByteCount
        while count < calls.count, encoder.byteCount <= encodedByteCountMax {
            let call = calls[count]
            replies.encode(call, of: decided, into: &encoder)
            if call.opcode == Opcode.watch.rawValue {
                watches.replied(call.requestId, at: context.steadyMilliseconds)
            }
            answeredByteCount += call.frameByteCount
            count += 1
        }
        if count < calls.count { _ = holdsBack(encoder.byteCount) }
        state.answered(callCount: count - batch.deliveredCount, frameByteCount: answeredByteCount)
        batch.deliveredCount = count
    }

    // MARK: Watches

    /// Something has happened that a watch is for; on the loop.
    func sendWatched() {
        guard connection.isOpen else { return }
        pumpWatches()
        if state.wantsToSend { connection.setDirty() }
    }

    private func pumpWatches() {
        if watches.pump(&state, at: context.steadyMilliseconds, waitingByteCount: connection.waitingByteCount) {
            connection.loop.post { [self] in sendWatched() }
        }
        // Then `wrote` goes on when the client has taken enough.
        _ = holdsBack()
    }

    /// Reads a pending list for a watch of it.
    func read(_ read: QueueRead) {
        let batch = CommandBatch { [self] batch in
            var read = read
            read.outcomes = batch.outcomes
            // Never at once: the connection may be in the middle of its watches.
            connection.loop.post { [self, read] in
                watches.queueWasRead(read, &state, waitingByteCount: connection.waitingByteCount)
                sendWatched()
            }
        }
        batch.commands = read.commands
        context.store.submit(batch, at: context.clock.nowMilliseconds())
    }

    // MARK: Bytes out

    func seal(into output: inout [UInt8], codec: inout SegmentCodec) {
        state.seal(into: &output, with: &codec)
    }

    func wrote(waitingByteCount: Int, progressed: Bool) {
        clock.wrote(at: context.steadyMilliseconds, progressed: progressed, hasRest: waitingByteCount > 0)
        guard isHeld, waitingByteCount < WireLimits.outputByteCountSoftMax / 2 else { return }
        isHeld = false
        wasHeldAtTick = false
        // Behind the other connections of this turn, so that one fast reader of long lists cannot keep the loop.
        connection.loop.post { [self] in
            guard connection.isOpen else { return }
            if !inputHasEnded { connection.setReading(true) }
            state.calls.now = context.steadyMilliseconds
            state.calls.isDraining = state.phase == .draining
            deliver()
            connection.loop.withCodec { work(&$0) }
            // The clock of a half-received segment stood still while we did not read.
            clock.listensAgain(at: context.steadyMilliseconds, isInsideSegment: stream.isInsideSegment)
        }
    }

    private func holdsBack() -> Bool { holdsBack(state.encoder.byteCount) }

    /// Whether too much waits for this client, with so many bytes in its encoder; then reading stops too.
    private func holdsBack(_ encodedByteCount: Int) -> Bool {
        guard connection.waitingByteCount + encodedByteCount > WireLimits.outputByteCountSoftMax else { return false }
        if !isHeld {
            isHeld = true
            connection.setReading(false)
        }
        return true
    }

    // MARK: Ending

    private func fail(_ fault: ConnectionFault) {
        submit()
        context.logFault(fault, peer: peer)
        state.fail(fault)
        connection.setDirty()
        connection.close()
    }

    private func closeWhenDone() {
        let isLast = inputHasEnded || state.phase == .draining || state.phase == .closed
        guard isLast, batchesInFlight == 0, !stream.isPaused else { return }
        connection.close()
    }

    /// Asks the client to go elsewhere, and closes when all its calls are answered (SPEC §7.5).
    func drain(graceMilliseconds: UInt32) {
        guard state.phase != .draining else { return }
        if state.goAway(graceMilliseconds: graceMilliseconds, message: "the server is stopping") {
            watches.endAll(.unavailable)
            pumpWatches()
            connection.setDirty()
            closeWhenDone()
        } else {
            connection.close()
        }
    }

    /// Says why this client is not served, and closes.
    func refuse(_ fault: ConnectionFault) { fail(fault) }

    func abort() { connection.abort() }

    func tick(at nowMilliseconds: Int64) {
        if !watches.isEmpty, connection.isOpen {
            if !isHeld {
                watches.sendBookmarks(&state, at: nowMilliseconds)
                sendWatched()
            } else if wasHeldAtTick {
                watches.endLagging(&state)
                if state.wantsToSend { connection.setDirty() }
            }
            wasHeldAtTick = isHeld
        }
        // What we do not read cannot be held against the client.
        if isHeld { clock.listensAgain(at: nowMilliseconds, isInsideSegment: false) }
        switch clock.check(at: nowMilliseconds, isGreeted: state.phase != .opening) {
        case .fine: break
        case .ping:
            state.ping(opaque: UInt64(bitPattern: nowMilliseconds))
            connection.setDirty()
        case .failed(.slowReader):
            // It does not read, so it would not read why either.
            context.logFault(.slowReader, peer: peer)
            connection.abort()
        case .failed(let fault):
            // A connection that is closing already has its reason, and the transport bounds how long it takes.
            if state.phase != .closed { fail(fault) }
        }
    }

    func ended(_ cause: ConnectionEnd) {
        hasEnded = true
        watches.close()
        for batch in undelivered { context.giveBack(batch) }
        undelivered = []
        context.remove(self)
    }
}
