internal import ErrandClient
internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire
internal import Synchronization

/// A load of many connections on one loop: opens them, runs, counts.
///
/// `@unchecked Sendable`: counters and connections are touched only on `loop`.
final class Load: @unchecked Sendable {
    let targets: BenchTargets
    let inFlight: Int
    let operation: LoadOptions.Operation
    let hello: Hello
    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let connectionCount: Int
    private var connections: [LoadConnection] = []
    private var welcomedCount = 0
    private var finishedCount = 0
    private var histogram = LatencyHistogram()
    private var callCount = 0
    private var wrongCount = 0
    private let timeoutMilliseconds: Int64
    private var failure: ErrandError?
    private var waiter: CheckedContinuation<Void, any Error>?
    private var timer: LoopTimer?

    init(
        targets: BenchTargets, host: String, port: UInt16, connectionCount: Int, inFlight: Int,
        operation: LoadOptions.Operation, compression: Bool, timeoutMilliseconds: Int64
    ) throws {
        self.targets = targets
        self.host = host
        self.port = port
        self.connectionCount = connectionCount
        self.inFlight = inFlight
        self.operation = operation
        self.timeoutMilliseconds = timeoutMilliseconds
        var hello = Hello()
        hello.compressions = compression ? 1 : 0
        hello.clientName = "errand-bench"
        self.hello = hello
        loop = try EventLoop(label: "errand.bench")
    }

    struct Snapshot: Sendable {
        var callCount = 0
        var wrongCount = 0
        var sentByteCount: UInt64 = 0
        var receivedByteCount: UInt64 = 0
        var histogram = LatencyHistogram()
        var failure: ErrandError?
    }

    /// Opens the connections and waits until all are greeted.
    func open() async throws {
        try await withCheckedThrowingContinuation { continuation in
            loop.post { [self] in
                wait(continuation)
                for index in 0..<connectionCount { openOne(index) }
            }
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
                    connections.append(connection)
                } catch {
                    failed(.unavailable, "\(error)")
                }
            }
        }
    }

    /// Starts every connection's calls.
    func begin() { loop.post { [self] in for connection in connections { connection.begin() } } }

    /// Reads the counters; `resets` begins a new measurement at the same moment.
    func snapshot(resets: Bool = false) async -> Snapshot {
        await withCheckedContinuation { continuation in
            loop.post { [self] in
                var snapshot = Snapshot(
                    callCount: callCount, wrongCount: wrongCount, histogram: histogram, failure: failure)
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

    /// Lets every call in flight end, then closes.
    func finish() async throws {
        try await withCheckedThrowingContinuation { continuation in
            loop.post { [self] in
                wait(continuation)
                if let failure { return resume(.failure(failure)) }
                for connection in connections { connection.stop() }
            }
        }
        loop.post { [self] in for connection in connections { connection.connection.close() } }
    }

    // MARK: From the connections, on the loop

    func welcomed() {
        welcomedCount += 1
        if welcomedCount == connectionCount { resume(.success(())) }
    }

    func record(nanoseconds: Int64, isRight: Bool) {
        callCount += 1
        histogram.record(nanoseconds: nanoseconds)
        if !isRight { wrongCount += 1 }
    }

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
