internal import ErrandClient
internal import ErrandCore
internal import ErrandTransport
internal import Synchronization

/// A closed loop through the public async API: a client for each connection, on each a task for each call in flight.
///
/// `@unchecked Sendable`: clients and tasks are set by the one caller of `open`, `begin` and `finish`, in this order.
final class ClientLoad: LoadSource, @unchecked Sendable {
    private let targets: BenchTargets
    private let options: LoadOptions
    /// On a client's executor all of its tasks share one, which then stays in the cache of the one CPU that counts there.
    private let countersPerClient: Int
    private let counters: [ClientLoadCounters]
    private let isStopping = Atomic(false)
    private let failure = Mutex<ErrandError?>(nil)
    private var clients: [JobExecutionClient] = []
    private var running: Task<Void, Never>?

    init(targets: BenchTargets, options: LoadOptions) throws {
        guard options.callsPerSecond == nil, options.idleConnectionCount == 0 else {
            throw ErrandError(.invalidRequest, "a rate and idle connections are for the layer wire")
        }
        self.targets = targets
        self.options = options
        countersPerClient = options.usesClientExecutor ? 1 : min(8, options.inFlight)
        counters = (0..<options.connectionCount * countersPerClient).map { _ in ClientLoadCounters() }
    }

    func open() async throws {
        for _ in 0..<options.connectionCount {
            clients.append(
                try await JobExecutionClient.connect(
                    host: options.host, port: Int(options.port), configuration: options.clientConfiguration))
        }
    }

    func begin() {
        running = Task {
            await withTaskGroup(of: Void.self) { group in
                for (index, client) in clients.enumerated() {
                    group.addTask { [self] in await run(client, index) }
                }
            }
        }
    }

    private func run(_ client: JobExecutionClient, _ clientIndex: Int) async {
        await withTaskExecutorPreference(options.usesClientExecutor ? client.executor : nil) {
            await withTaskGroup(of: Void.self) { group in
                for task in 0..<options.inFlight {
                    let index = clientIndex * options.inFlight + task
                    let counters = counters[clientIndex * countersPerClient + task % countersPerClient]
                    group.addTask { [self] in
                        do throws(ErrandError) {
                            try await call(client, index, counters)
                        } catch {
                            failure.withLock { $0 = $0 ?? error }
                        }
                    }
                }
            }
        }
    }

    private func call(
        _ client: JobExecutionClient, _ index: Int, _ counters: ClientLoadCounters
    ) async throws(ErrandError) {
        var random = RandomKeys(state: 0x9E37_79B9_7F4A_7C15 &* UInt64(index + 1))
        var callIndex = index
        var nextThing = random.next(below: targets.thingCount)
        // A call begins when the one before it has ended, so one look at the clock serves both.
        var sentAt = SystemCall.steadyNanoseconds
        while !isStopping.load(ordering: .relaxed) {
            let thingName = targets.thingName(nextThing)
            // Its name comes from memory while this call is on its way.
            nextThing = random.next(below: targets.thingCount)
            targets.prefetchName(nextThing)
            let isUpdate = options.operation.isUpdate(callIndex)
            callIndex += 1
            let isRight: Bool
            if isUpdate {
                let request = UpdateJobExecutionRequest(
                    jobId: targets.jobId, thingName: thingName, status: .inProgress,
                    statusDetails: targets.changingDetails[callIndex % targets.changingDetails.count])
                _ = try await client.updateJobExecution(request)
                isRight = true
            } else {
                let request = DescribeJobExecutionRequest(jobId: targets.jobId, thingName: thingName)
                let execution = try await client.describeJobExecution(request)
                isRight =
                    execution.thingName == thingName && execution.statusDetails.count == BenchTargets.details.count
            }
            let endedAt = SystemCall.steadyNanoseconds
            counters.record(nanoseconds: endedAt - sentAt, isRight: isRight)
            sentAt = endedAt
        }
    }

    func snapshot(resets: Bool) async -> LoadSnapshot {
        var snapshot = LoadSnapshot()
        for counter in counters { counter.add(to: &snapshot, resets: resets) }
        snapshot.failure = failure.withLock { $0 }
        return snapshot
    }

    func finish() async throws {
        isStopping.store(true, ordering: .relaxed)
        await running?.value
        for client in clients { client.close() }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}

/// What some tasks have counted. Their lock is taken once a call, and by nobody else but ten times a second.
final class ClientLoadCounters: Sendable {
    private struct Counts {
        var histogram = LatencyHistogram()
        var answeredCallCount = 0
        var wrongCount = 0
    }

    private let counts = Mutex(Counts())

    func record(nanoseconds: Int64, isRight: Bool) {
        counts.withLock { counts in
            counts.histogram.record(nanoseconds: nanoseconds)
            counts.answeredCallCount += 1
            if !isRight { counts.wrongCount += 1 }
        }
    }

    func add(to snapshot: inout LoadSnapshot, resets: Bool) {
        counts.withLock { counts in
            snapshot.histogram.add(counts.histogram)
            snapshot.callCount += Int(counts.histogram.total)
            snapshot.answeredCallCount += counts.answeredCallCount
            snapshot.wrongCount += counts.wrongCount
            if resets { counts.histogram.reset() }
        }
    }
}

extension LoadOptions.Operation {
    func isUpdate(_ callIndex: Int) -> Bool {
        switch self {
        case .describe: false
        case .update: true
        case .mixed: callIndex % 10 == 0
        }
    }
}
