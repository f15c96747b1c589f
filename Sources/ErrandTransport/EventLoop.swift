internal import Dispatch
internal import Glibc
internal import Synchronization
package import ErrandWire

/// What a loop wakes for a descriptor. Called on the loop only.
package protocol EventHandler: AnyObject {
    func ready(isReadable: Bool, isWritable: Bool)

    /// All events of this turn have been handled: send what has gathered.
    func flush()

    /// Now and then, for time limits.
    func tick(at nowMilliseconds: Int64)

    /// The loop has ended and will call no more: let go of everything.
    func loopStopped()
}

/// One loop: a serial queue, and one Dispatch source on one epoll descriptor that watches every socket of the loop.
///
/// The source's handler drains ready sockets in batches and stays while there is work, so that Dispatch's re-arming
/// and thread hops are paid once per burst. When nothing has come for a moment it leaves, and an idle loop costs nothing.
/// It yields after a bounded time, so that timers on the queue are served.
///
/// `@unchecked Sendable`: everything but `mailbox`, `wakeUp` and `ownerThread` is touched only on `queue`, which
/// `preconditionOnLoop` checks.
package final class EventLoop: TaskExecutor, @unchecked Sendable {
    package let label: String
    private let queue: DispatchQueue
    private let wakeUp: WakeUp
    private let mailbox = LoopMailbox()
    /// The thread that is inside `drain`, or 0.
    private let ownerThread = Atomic<UInt>(0)

    private var source: (any DispatchSourceRead)?
    private var timer: (any DispatchSourceTimer)?
    private var poller: Poller
    private var handlers = HandlerTable()
    private var dirty: [any EventHandler] = []
    private var localWork: [LoopWork] = []
    private var leavingWork: [@Sendable () -> Void] = []
    private var phase = Phase.running
    private let clock: @Sendable () -> Int64

    /// Shared by all connections of the loop, one after the other.
    package var codec = SegmentCodec()
    private var readBuffer: [UInt8]
    private var spareBuffers = SpareBuffers()

    private enum Phase {
        case running
        /// Ends when the last handler has left, or at that moment.
        case stopping(at: Int64)
        case stopped
    }

    private static let wakeUpToken = UInt64.max
    private static let readBufferByteCount = 262_144
    /// How long a drained loop waits inside epoll before it gives its thread back; timers of the queue wait as long.
    ///
    /// Longer than a tick of the usual kernels: a shorter wait would be the CPU's next timer event, and to set and clear
    /// that costs an exit of the virtual machine each, in every call of a client that has one in flight.
    private static let lingerMilliseconds: Int32 = 10
    /// How long a busy loop keeps its queue before it lets timers run.
    private static let yieldNanoseconds: Int64 = 10_000_000
    private static let tickMilliseconds = 250
    /// After so many jobs of tasks in one turn, what they want to send is sent.
    private static let jobCountPerFlush = 32

    /// `clock` says what time it is, in milliseconds of any steady clock, for the time limits of all handlers.
    package init(
        label: String, clock: @escaping @Sendable () -> Int64 = { SystemCall.steadyMilliseconds }
    ) throws(SystemError) {
        self.label = label
        self.clock = clock
        // A plain serial queue targets the overcommit root: a loop that waits does not starve the pool.
        queue = DispatchQueue(label: label)
        poller = try Poller()
        wakeUp = try WakeUp()
        readBuffer = Array(repeating: 0, count: Self.readBufferByteCount)
        try poller.add(wakeUp.descriptor, .read, token: Self.wakeUpToken)
        let source = DispatchSource.makeReadSource(fileDescriptor: poller.descriptor, queue: queue)
        source.setEventHandler { [unowned self] in drain() }
        self.source = source
        source.activate()
    }

    /// Ends the loop when its last handler has left, and after `graceMilliseconds` at the latest; what is left then is
    /// told so. Work and jobs that come later still run, on the loop's queue, so that no task is left behind.
    package func stop(graceMilliseconds: Int64 = 0) {
        post { [self] in
            if case .stopped = phase { return }
            phase = .stopping(at: steadyMilliseconds + graceMilliseconds)
            stopIfDue()
        }
    }

    package var steadyMilliseconds: Int64 { clock() }

    private func stopIfDue() {
        guard case .stopping(let moment) = phase else { return }
        guard handlers.isEmpty || steadyMilliseconds >= moment else { return }
        phase = .stopped
        for handler in handlers.all { handler.loopStopped() }
        timer?.cancel()
        timer = nil
        // The source keeps the loop alive until it is cancelled, and the poller must outlive the source.
        source?.setCancelHandler { [self] in source = nil }
        source?.cancel()
        for work in mailbox.close() { runOnQueue(work) }
    }

    // MARK: Work from anywhere

    package var isOnLoop: Bool { ownerThread.load(ordering: .relaxed) == UInt(pthread_self()) }

    package func preconditionOnLoop() {
        assert(isOnLoop, "\(label): touched from another thread")
    }

    /// Runs `work` on the loop, in the order posted from each thread.
    package func post(_ work: @escaping @Sendable () -> Void) { post(.closure(work)) }

    private func post(_ work: LoopWork) {
        if isOnLoop {
            localWork.append(work)
            return
        }
        switch mailbox.put(work) {
        case .taken: break
        case .needsSignal: wakeUp.signal()
        case .refused: runOnQueue(work)
        }
    }

    /// After the end there are no turns; the queue still runs what comes, in the order it came.
    private func runOnQueue(_ work: LoopWork) {
        queue.async { [self] in enter { work.run(on: self) } }
    }

    package func enqueue(_ job: consuming ExecutorJob) { post(.job(UnownedJob(job))) }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    // MARK: The turn

    private func drain() {
        ownerThread.store(UInt(pthread_self()), ordering: .relaxed)
        defer { ownerThread.store(0, ordering: .relaxed) }
        let begunAt = SystemCall.steadyNanoseconds
        while true {
            let isBusy = !localWork.isEmpty
            let eventCount = wait(milliseconds: isBusy ? 0 : Self.lingerMilliseconds)
            runWork()
            flushDirty()
            guard isRunning else { return leaveLocalWork() }
            if eventCount == 0 && !isBusy && localWork.isEmpty {
                runLeavingWork()
                if localWork.isEmpty { return }
            }
            if SystemCall.steadyNanoseconds - begunAt > Self.yieldNanoseconds {
                runLeavingWork()
                // The poller stays readable, so the source fires again behind whatever waits on the queue.
                if !localWork.isEmpty { wakeUp.signal() }
                return
            }
        }
    }

    private var isRunning: Bool { if case .stopped = phase { false } else { true } }

    /// After the end: what the last turn posted to its own loop.
    private func leaveLocalWork() {
        runLeavingWork()
        for work in localWork { runOnQueue(work) }
        localWork = []
    }

    private func runLeavingWork() {
        guard !leavingWork.isEmpty else { return }
        let work = leavingWork
        leavingWork = []
        for closure in work { closure() }
    }

    /// Runs `work` on the loop once, before the loop next gives its thread back: when nothing has come for a moment, or when
    /// it has been busy for a while, so within some hundredths of a second. May be asked from anywhere.
    package func beforeLeaving(_ work: @escaping @Sendable () -> Void) {
        guard isOnLoop else { return post { [self] in beforeLeaving(work) } }
        if isRunning { leavingWork.append(work) } else { work() }
    }

    /// Waits, and lets every ready handler read and write.
    private func wait(milliseconds: Int32) -> Int {
        let count = poller.wait(milliseconds: milliseconds)
        for index in 0..<count {
            let event = poller.event(index)
            guard event.token != Self.wakeUpToken else {
                wakeUp.clear()
                continue
            }
            // A handler may have left during this turn, and another may have its slot.
            handlers[event.token]?.ready(isReadable: event.isReadable, isWritable: event.isWritable)
        }
        return count
    }

    private func runWork() {
        var posted = localWork
        localWork = []
        mailbox.empty(into: &posted)
        var jobCount = 0
        for work in posted {
            work.run(on: self)
            // The peer starts on the first calls while the other tasks make theirs, or one of the two would always wait.
            guard case .job = work else { continue }
            jobCount += 1
            if jobCount % Self.jobCountPerFlush == 0 { flushDirty() }
        }
    }

    private func flushDirty() {
        while !dirty.isEmpty {
            let handlers = dirty
            dirty.removeAll(keepingCapacity: true)
            for handler in handlers { handler.flush() }
        }
    }

    private func tick() {
        enter {
            let now = steadyMilliseconds
            for handler in handlers.all { handler.tick(at: now) }
            stopIfDue()
        }
    }

    /// Runs what a timer of `queue` brings as a turn of its own.
    private func enter(_ body: () -> Void) {
        ownerThread.store(UInt(pthread_self()), ordering: .relaxed)
        defer { ownerThread.store(0, ordering: .relaxed) }
        body()
        flushDirty()
        // Work that `body` posted to its own loop is found by the next drain.
        guard !localWork.isEmpty || !leavingWork.isEmpty else { return }
        if isRunning { wakeUp.signal() } else { leaveLocalWork() }
    }

    /// A timer that fires on the loop. May be set from anywhere.
    package func makeTimer(_ fire: @escaping @Sendable () -> Void) -> LoopTimer {
        // Whoever has the timer has the loop. Not weakly: that would make every count of the loop's references slow.
        LoopTimer(queue: queue) { [self] in enter(fire) }
    }

    // MARK: For handlers, on the loop

    /// Watches a descriptor; the token names it in `change` and `remove`.
    package func add(_ handler: any EventHandler, _ descriptor: Int32, reads: Bool, writes: Bool) throws(SystemError)
        -> UInt64
    {
        preconditionOnLoop()
        guard isRunning else { throw SystemError.loopStopped }
        let token = handlers.reserve()
        do throws(SystemError) {
            try poller.add(descriptor, Self.interest(reads, writes), token: token)
        } catch {
            handlers.giveBack(token)
            throw error
        }
        handlers.set(handler, token)
        startTimer()
        return token
    }

    package func change(_ descriptor: Int32, token: UInt64, reads: Bool, writes: Bool) {
        // The descriptor is in the set, so the only possible failure is the kernel's lack of memory: the peer then waits for a tick.
        try? poller.change(descriptor, Self.interest(reads, writes), token: token)
    }

    package func remove(_ descriptor: Int32, token: UInt64) {
        preconditionOnLoop()
        poller.remove(descriptor)
        handlers.giveBack(token)
        if handlers.isEmpty {
            timer?.cancel()
            timer = nil
            // Not from inside the handler that is leaving.
            if case .stopping = phase { localWork.append(.closure { [self] in stopIfDue() }) }
        }
    }

    /// Calls the handler's `flush` at the end of this turn.
    package func setDirty(_ handler: any EventHandler) { dirty.append(handler) }

    /// Reads once from `descriptor` and lends what came, and the loop's codec, to `take`.
    package func read(
        _ descriptor: Int32, _ take: (_ bytes: RawSpan, _ codec: inout SegmentCodec) -> Void
    ) -> SystemCall.IOResult {
        let result = readBuffer.withUnsafeMutableBytes { SystemCall.read(descriptor, into: $0) }
        if case .done(let count) = result, count > 0 {
            // Lends the buffer for the call only; no handler reads again from inside it.
            readBuffer.withUnsafeBytes { take($0.bytes.extracting(first: count), &codec) }
        }
        return result
    }

    /// Lends the codec outside of a read.
    package func withCodec(_ body: (inout SegmentCodec) -> Void) { body(&codec) }

    /// An empty array with memory, so that idle connections need not hold any.
    package func takeBuffer() -> [UInt8] { spareBuffers.take() }

    package func giveBack(_ buffer: consuming [UInt8]) { spareBuffers.giveBack(buffer) }

    private static func interest(_ reads: Bool, _ writes: Bool) -> Poller.Interest {
        Poller.Interest(reads ? [.read] : []).union(writes ? [.write] : [])
    }

    /// Ticks only while somebody is here to be ticked.
    private func startTimer() {
        guard timer == nil, isRunning else { return }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(
            deadline: .now() + .milliseconds(Self.tickMilliseconds), repeating: .milliseconds(Self.tickMilliseconds),
            leeway: .milliseconds(50))
        timer.setEventHandler { [unowned self] in tick() }
        self.timer = timer
        timer.activate()
    }
}
