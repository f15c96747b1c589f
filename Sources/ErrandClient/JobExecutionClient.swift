internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire

/// A client of an Errand server: what fleet tools and devices link.
///
/// Call it from as many tasks as you like: calls made at the same time share segments, system calls and one
/// connection, and replies come in any order. Calls about one thing are applied in the order they were made.
/// Every call has a deadline, may be cancelled with its task (which it notices within some hundredths of a second), and
/// throws `ErrandError`, which says whether the call may have taken effect. When the connection is lost the client connects again by itself and sends what was under way
/// again until its deadline: changes carry an idempotency key, so that none is applied twice (SPEC §6 `CALL-10`).
public final class JobExecutionClient: Sendable {
    let configuration: ClientConfiguration
    private let channels: [Channel]
    private let loop: EventLoop
    private let callTimeoutMilliseconds: Int64

    private static let closeMilliseconds: Int64 = 3000

    /// Connects to a server; throws if that fails or takes longer than `configuration.connectTimeout`.
    ///
    /// - Throws: `ErrandError` with UNAVAILABLE if nobody answers, PROTOCOL_ERROR if it is no Errand server, CANCELLED when
    ///   the task is cancelled.
    public static func connect(
        host: String, port: Int, configuration: ClientConfiguration = ClientConfiguration()
    ) async throws(ErrandError) -> JobExecutionClient {
        guard let port = UInt16(exactly: port), port > 0 else {
            throw ErrandError(.invalidRequest, "port \(port) is outside 1 to 65535")
        }
        let loop: EventLoop
        do throws(SystemError) {
            loop = try EventLoop(label: "errand.client")
        } catch {
            throw ErrandError(.unavailable, "cannot start an event loop: \(error)")
        }
        let client = JobExecutionClient(host: host, port: port, configuration: configuration, loop: loop)
        // A closed client resumes whoever waits for its connections.
        let failure = await withTaskCancellationHandler {
            await client.connectAll()
        } onCancel: {
            client.close()
        }
        if Task.isCancelled {
            client.close()
            throw ErrandError(.cancelled, "the task was cancelled", applied: .no)
        }
        if let failure { throw failure }
        return client
    }

    /// All at once, so that one time limit holds for all; the first that fails ends the others.
    private func connectAll() async -> ErrandError? {
        await withTaskGroup(of: ErrandError?.self) { group in
            for channel in channels {
                group.addTask {
                    do throws(ErrandError) {
                        try await channel.connect()
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var first: ErrandError?
            for await failure in group where failure != nil && first == nil {
                first = failure
                close()
            }
            return first
        }
    }

    private init(host: String, port: UInt16, configuration: ClientConfiguration, loop: EventLoop) {
        self.configuration = configuration
        self.loop = loop
        callTimeoutMilliseconds = configuration.callTimeout.milliseconds
        channels = (0..<max(1, configuration.connectionCount)).map { _ in
            Channel(host: host, port: port, configuration: configuration, loop: loop)
        }
    }

    deinit {
        close()
    }

    /// Closes the connections; calls under way fail with CANCELLED.
    public func close() {
        for channel in channels { channel.close() }
        // The loop stays until the connections have sent what waits and are closed.
        loop.stop(graceMilliseconds: Self.closeMilliseconds)
    }

    /// The loop that runs the connections. Tasks that mostly call the client run several times faster on it, because a
    /// reply then resumes its caller without a thread hop:
    ///
    ///     await withTaskExecutorPreference(client.executor) { … }
    ///
    /// Work that blocks or computes for long does not belong there: it holds up every reply.
    public var executor: any TaskExecutor { loop }

    /// What stands before `:thing/` in this server's ARNs.
    public var thingArnPrefix: String { channels[0].thingArnPrefix }

    /// Bytes sent and received so far, with and without compression.
    public func byteCounts() async -> ByteCounts {
        var total = ByteCounts()
        for channel in channels { total = total + (await channel.byteCounts()) }
        return total
    }

    // MARK: One call

    /// Calls of one thing, and of one job, always go the same way, so that they stay in order.
    func channel(for key: some Hashable) -> Channel {
        channels.count == 1 ? channels[0] : channels[Int(UInt(bitPattern: key.hashValue) % UInt(channels.count))]
    }

    func call<Request: RequestMessage>(
        _ request: Request, key: some Hashable & Sendable, timeout: Duration?
    ) async throws(ErrandError) -> Request.Reply {
        try await answer(request, key: key, timeout: timeout).reply
    }

    /// A call's reply, and what its server puts before the names of things.
    func answer<Request: RequestMessage>(
        _ request: Request, key: some Hashable & Sendable, timeout: Duration?
    ) async throws(ErrandError) -> (reply: Request.Reply, thingArnPrefix: String) {
        let isSafeToRepeat =
            !Request.isMutation || (configuration.usesIdempotencyKeys && Request.self is any ComparedByContent.Type)
        let nature = CallNature(
            opcode: Request.opcode, isMutation: Request.isMutation, isSafeToRepeat: isSafeToRepeat)
        let now = SystemCall.steadyMilliseconds
        let call = RequestCall(request, nature, deadline: deadline(timeout, from: now))
        await run(call, on: channel(for: key), at: now)
        return (try call.takeReply(), call.thingArnPrefix)
    }

    /// A call that changes something, with an idempotency key unless the client uses none.
    func change<Request: KeyedRequest>(
        _ request: Request, key: some Hashable & Sendable, timeout: Duration?
    ) async throws(ErrandError) -> Request.Reply {
        let request = request.keyed(configuration)
        let nature = CallNature(
            opcode: Request.opcode, isMutation: true, isSafeToRepeat: request.idempotencyKey != nil,
            expectedVersion: request.expectedVersion)
        let now = SystemCall.steadyMilliseconds
        let call = RequestCall(request, nature, deadline: deadline(timeout, from: now)) { call in
            // Unsafe where it is not checked: the call hands itself to its own closure.
            [unsafeDowncast(call, to: RequestCall<Request>.self).request.subject]
        }
        await run(call, on: channel(for: key), at: now)
        return try call.takeReply()
    }

    /// A call whose closures hold what it sends: a batch, or the beginning of a watch.
    func perform<Reply: Sendable>(
        _ nature: CallNature, on channel: Channel? = nil, timeout: Duration?, watch: ActiveWatch? = nil,
        append: @escaping OutstandingCall.Append, read: @escaping TypedCall<Reply>.ReadReply,
        subjects: OutstandingCall.Subjects?
    ) async throws(ErrandError) -> Reply {
        let now = SystemCall.steadyMilliseconds
        let call = TypedCall(
            nature, deadline: deadline(timeout, from: now), append: append, readReply: read, subjects: subjects)
        call.watch = watch
        await run(call, on: channel ?? channels[0], at: now)
        return try call.takeReply()
    }

    private func deadline(_ timeout: Duration?, from now: Int64) -> Int64 {
        now + (timeout?.milliseconds ?? callTimeoutMilliseconds)
    }

    /// Sends the call and waits until it has ended, one way or the other: first briefly, then, if it takes longer, under a
    /// cancellation handler.
    @inline(__always)
    private func run(_ call: OutstandingCall, on channel: Channel, at now: Int64) async {
        if Task.isCancelled { call.isCancelled = true }
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            call.waitBriefly(continuation)
            channel.start(call, at: now)
        }
        if !call.hasEnded { await waitPatiently(for: call, on: channel) }
    }

    private func waitPatiently(for call: OutstandingCall, on channel: Channel) async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                if !call.waitPatiently(continuation) { continuation.resume() }
            }
        } onCancel: {
            channel.cancel(call)
        }
    }

    /// What the server takes in one batch.
    var batchItemCountMax: Int { Int(clamping: channels[0].welcome?.batchItemCountMax ?? 1) }
}
