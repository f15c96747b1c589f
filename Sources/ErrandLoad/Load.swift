internal import ErrandClient
internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire
internal import Synchronization

/// A load of many connections on one loop: opens them, runs, counts.
///
/// `@unchecked Sendable`: counters and connections are touched only on `loop`.
final class Load: LoadSource, @unchecked Sendable {
    let targets: BenchTargets
    let inFlight: Int
    let operation: LoadOptions.Operation
    let hello: Hello
    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let connectionCount: Int
    private let idleConnectionCount: Int
    private var connections: [LoadConnection] = []
    private var idle: [LoadConnection] = []
    private var openedCount = 0
    private let pacer = Pacer()
    /// Of an open loop; a closed one has none.
    private var schedule: Schedule?
    private var turn = 0
    private var isStopping = false
    private var welcomedCount = 0
    private var finishedCount = 0
    private var histogram = LatencyHistogram()
    private var callCount = 0
    private var answeredCallCount = 0
    private var wrongCount = 0
    private let timeoutMilliseconds: Int64
    private var failure: ErrandError?
    private var waiter: CheckedContinuation<Void, any Error>?
    private var timer: LoopTimer?

    private static let openingCountMax = 100

    init(targets: BenchTargets, options: LoadOptions) throws {
        self.targets = targets
        host = options.host
        port = options.port
        connectionCount = options.connectionCount
        idleConnectionCount = options.idleConnectionCount
        inFlight = options.inFlight
        operation = options.operation
        timeoutMilliseconds = options.timeoutMilliseconds
        schedule = options.callsPerSecond.map(Schedule.init)
        var hello = Hello()
        hello.compressions = options.compression ? 1 : 0
        hello.clientName = "errand-bench"
        self.hello = hello
        loop = try EventLoop(label: "errand.bench")
    }

    func open() async throws {
        try await withCheckedThrowingContinuation { continuation in
            loop.post { [self] in
                wait(continuation)
                openMore()
            }
        }
    }

    /// Few at a time, so that no listener's queue overflows: a dropped handshake costs a second.
    private func openMore() {
        while openedCount < connectionCount + idleConnectionCount, openedCount - welcomedCount < Self.openingCountMax {
            openOne(openedCount)
            openedCount += 1
        }
    }

    private func openOne(_ index: Int) {
        Connector.connect(host: host, port: port, loop: loop, timeoutMilliseconds: timeoutMilliseconds) {
            [self] outcome in
            switch consume outcome {
            case .failed(let reason): failed(.unavailable, "cannot reach \(reason)")
            case .connected(let socket, _):
                do {
                    let connection = try LoadConnection(
                        Connection(socket, loop: loop), load: self, seed: 0x9E37_79B9_7F4A_7C15 &* UInt64(index + 1))
                    try connection.start()
                    if index < connectionCount { connections.append(connection) } else { idle.append(connection) }
                } catch {
                    failed(.unavailable, "\(error)")
                }
            }
        }
    }

    func begin() {
        loop.post { [self] in
            guard schedule != nil else { return connections.forEach { $0.begin() } }
            schedule?.begin(at: SystemCall.steadyNanoseconds)
            pacer.start(post: loop.post) { [self] in sendDue() }
        }
    }

    /// Begins the calls of an open loop that are due: those of one moment on one connection while it has room, as the
    /// calls of a client's tasks share a segment, and those of the next moment on another one. One that has to wait for room
    /// stays due since its own moment.
    func sendDue() {
        isWaitingForRoom = false
        let now = SystemCall.steadyNanoseconds
        var connection: LoadConnection?
        while !isStopping, let moment = schedule?.due(at: now) {
            if connection?.hasRoom != true { connection = nextWithRoom() }
            guard let connection else {
                isWaitingForRoom = true
                return
            }
            connection.begin(dueAt: moment)
            schedule?.advance()
        }
    }

    private func nextWithRoom() -> LoadConnection? {
        for _ in connections.indices {
            turn = turn + 1 < connections.count ? turn + 1 : 0
            if connections[turn].hasRoom { return connections[turn] }
        }
        return nil
    }

    func snapshot(resets: Bool) async -> LoadSnapshot {
        await withCheckedContinuation { continuation in
            loop.post { [self] in
                var snapshot = LoadSnapshot(
                    callCount: callCount, wrongCount: wrongCount, histogram: histogram,
                    answeredCallCount: answeredCallCount, failure: failure)
                for connection in connections {
                    snapshot.sentByteCount += connection.connection.sentByteCount
                    snapshot.receivedByteCount += connection.connection.receivedByteCount
                }
                if resets {
                    histogram.reset()
                    callCount = 0
                }
                continuation.resume(returning: snapshot)
            }
        }
    }

    func finish() async throws {
        pacer.stop()
        try await withCheckedThrowingContinuation { continuation in
            loop.post { [self] in
                wait(continuation)
                if let failure { return resume(.failure(failure)) }
                isStopping = true
                for connection in connections { connection.stop() }
            }
        }
        loop.post { [self] in for connection in connections + idle { connection.connection.close() } }
    }

    // MARK: From the connections, on the loop

    func welcomed() {
        welcomedCount += 1
        openMore()
        if welcomedCount == connectionCount + idleConnectionCount { resume(.success(())) }
    }

    func record(_ nanoseconds: [Int64], wrongCount: Int) {
        callCount += nanoseconds.count
        answeredCallCount += nanoseconds.count
        self.wrongCount += wrongCount
        for duration in nanoseconds { histogram.record(nanoseconds: duration) }
    }

    var isOpenLoop: Bool { schedule != nil }
    /// Whether calls of an open loop are due and found all connections full.
    private(set) var isWaitingForRoom = false

    func finished() {
        finishedCount += 1
        if finishedCount == connectionCount { resume(.success(())) }
    }

    func failed(_ code: StatusCode, _ reason: String) {
        let error = ErrandError(code, reason)
        failure = failure ?? error
        resume(.failure(error))
    }

    private func wait(_ continuation: CheckedContinuation<Void, any Error>) {
        waiter = continuation
        let timer = loop.makeTimer { [weak self] in self?.timedOut() }
        timer.schedule(afterMilliseconds: timeoutMilliseconds)
        self.timer = timer
    }

    private func timedOut() {
        guard waiter != nil else { return }
        failed(.deadlineExceeded, "no answer in \(timeoutMilliseconds) ms")
    }

    private func resume(_ result: Result<Void, any Error>) {
        let waiter = waiter
        self.waiter = nil
        timer = nil
        waiter?.resume(with: result)
    }
}
