package import ErrandWire

/// What a connection's bytes mean. Called on the connection's loop only.
package protocol ConnectionHandler: AnyObject {
    /// Bytes from the peer; gone when this returns.
    func received(_ bytes: RawSpan, codec: inout SegmentCodec)

    /// The peer will send no more.
    func inputEnded()

    /// Move what waits to be sent into `output`, which may hold earlier bytes.
    func seal(into output: inout [UInt8], codec: inout SegmentCodec)

    /// Bytes were written; `waitingByteCount` still wait for the peer.
    func wrote(waitingByteCount: Int, progressed: Bool)

    func tick(at nowMilliseconds: Int64)

    /// The connection is gone; called exactly once, last.
    func ended(_ cause: ConnectionEnd)
}

/// How a connection ended.
package enum ConnectionEnd: Sendable, Equatable {
    /// We closed it, all bytes flushed.
    case closed
    /// The peer closed it, or it broke.
    case lost(SystemError?)
}

/// Bytes over one TCP connection: reads in batches, one write for a turn's output, back-pressure both ways.
///
/// It belongs to one loop for life; a byte transform such as TLS would stand between it and its handler.
///
/// `@unchecked Sendable`: all state is touched only on `loop`; `preconditionOnLoop` checks the entry points.
package final class Connection: EventHandler, @unchecked Sendable {
    package let loop: EventLoop
    private let descriptor: Int32
    private var socket: SocketHandle?
    private var token: UInt64 = 0
    private var handler: (any ConnectionHandler)?
    private var state = State.open
    private var output: [UInt8] = []
    private var outputOffset = 0
    private var readsWanted = true
    private var isDirty = false
    /// Whether what a read brings about is sent right behind it, not at the end of the turn. For who answers a read within it:
    /// the peer then works on its part while this loop works on the next connection's.
    package var sendsAfterRead = false
    private var interest: (reads: Bool, writes: Bool) = (true, false)
    private var drainDeadline: Int64?
    private var kernelQueueByteCount = 0
    package private(set) var sentByteCount: UInt64 = 0
    package private(set) var receivedByteCount: UInt64 = 0

    private enum State {
        case open
        /// Flush what waits, then half-close.
        case closing
        /// Half-closed: reads and drops until the peer closes too, so that no reset eats the last bytes.
        case lingering
        case closed
    }

    /// After our half-close the peer has this long to close.
    private static let lingerMilliseconds: Int64 = 2000
    /// After `close` the peer has this long to take what waits for it, however busily it takes a little.
    private static let closeMilliseconds: Int64 = 30_000

    /// Takes over a connected socket. Call `start` on the loop.
    package init(_ socket: consuming SocketHandle, loop: EventLoop) {
        descriptor = socket.descriptor
        self.socket = consume socket
        self.loop = loop
    }

    package func start(_ handler: any ConnectionHandler) throws(SystemError) {
        loop.preconditionOnLoop()
        token = try loop.add(self, descriptor, reads: true, writes: false)
        self.handler = handler
    }

    package var waitingByteCount: Int { output.count - outputOffset }

    package var isOpen: Bool { state == .open }

    /// Flush at the end of this turn.
    package func setDirty() {
        guard !isDirty, state != .closed else { return }
        isDirty = true
        loop.setDirty(self)
    }

    /// Stops or starts reading from the peer.
    package func setReading(_ wanted: Bool) {
        readsWanted = wanted
        updateInterest()
    }

    /// Flushes what waits, then closes. Nothing more is handed to the handler but `ended`.
    package func close() {
        guard state == .open else { return }
        state = .closing
        drainDeadline = loop.steadyMilliseconds + Self.closeMilliseconds
        setDirty()
    }

    /// Closes at once.
    package func abort(_ cause: ConnectionEnd = .closed) { end(cause) }

    // MARK: Events

    package func ready(isReadable: Bool, isWritable: Bool) {
        if isWritable { setDirty() }
        guard isReadable else { return }
        switch state {
        case .open: readOnce()
        case .closing where interest.reads: readOnce()
        case .lingering: dropInput()
        case .closing, .closed: break
        }
        if sendsAfterRead { flush() }
    }

    private func readOnce() {
        let result = loop.read(descriptor) { bytes, codec in
            receivedByteCount += UInt64(bytes.byteCount)
            if state == .open { handler?.received(bytes, codec: &codec) }
        }
        switch result {
        case .done(0):
            readsWanted = false
            updateInterest()
            if state == .open { handler?.inputEnded() }
        case .done, .wouldBlock: break
        case .failed(let error): end(.lost(error))
        }
    }

    private func dropInput() {
        let result = loop.read(descriptor) { _, _ in }
        switch result {
        case .done(0), .failed: end(.closed)
        case .done, .wouldBlock: break
        }
    }

    package func flush() {
        guard isDirty else { return }
        isDirty = false
        guard state == .open || state == .closing else { return }
        handler?.seal(into: &output, codec: &loop.codec)
        let before = outputOffset
        if outputOffset < output.count {
            let result = output.withUnsafeBytes { all in
                SystemCall.send(descriptor, UnsafeRawBufferPointer(rebasing: all[outputOffset...]))
            }
            switch result {
            case .done(let count):
                outputOffset += count
                sentByteCount += UInt64(count)
            case .wouldBlock: break
            case .failed(let error):
                end(.lost(error))
                return
            }
        }
        let progressed = outputOffset > before
        if outputOffset == output.count {
            // Moved out first: a second reference would make `giveBack` allocate a copy.
            var spent: [UInt8] = []
            swap(&spent, &output)
            loop.giveBack(consume spent)
            outputOffset = 0
        } else if outputOffset > 1 << 18 {
            output.removeSubrange(..<outputOffset)
            outputOffset = 0
        }
        updateInterest()
        if state == .open || waitingByteCount > 0 {
            handler?.wrote(waitingByteCount: waitingByteCount, progressed: progressed)
        }
        if state == .closing && waitingByteCount == 0 { halfClose() }
    }

    private func halfClose() {
        state = .lingering
        SystemCall.shutdownWriting(descriptor)
        drainDeadline = loop.steadyMilliseconds + Self.lingerMilliseconds
        readsWanted = true
        updateInterest()
    }

    package func tick(at nowMilliseconds: Int64) {
        if let drainDeadline, nowMilliseconds >= drainDeadline {
            end(state == .lingering ? .closed : .lost(nil))
            return
        }
        noticeSlowProgress()
        if state == .open || state == .closing { handler?.tick(at: nowMilliseconds) }
    }

    /// The kernel asks for more only when much of its buffer is free, so a slow but steady reader shows in its queue first.
    private func noticeSlowProgress() {
        guard waitingByteCount > 0, state != .closed else { return }
        let queued = SystemCall.unsentByteCount(descriptor)
        if queued < kernelQueueByteCount { handler?.wrote(waitingByteCount: waitingByteCount, progressed: true) }
        kernelQueueByteCount = queued
    }

    package func loopStopped() {
        isDirty = true
        flush()
        end(.closed)
    }

    private func updateInterest() {
        guard state != .closed else { return }
        let wanted = (reads: readsWanted, writes: waitingByteCount > 0)
        guard wanted != interest else { return }
        interest = wanted
        loop.change(descriptor, token: token, reads: wanted.reads, writes: wanted.writes)
    }

    private func end(_ cause: ConnectionEnd) {
        guard state != .closed else { return }
        state = .closed
        loop.remove(descriptor, token: token)
        socket = nil
        output = []
        outputOffset = 0
        let handler = handler
        self.handler = nil
        handler?.ended(cause)
    }
}
