internal import Dispatch
internal import ErrandCore
package import ErrandStore
internal import ErrandTransport
internal import ErrandWire
internal import Logging
internal import Synchronization

/// A server of job executions: loops, listener, service and store.
///
/// It runs until `stop()`: to let go of the object stops nothing.
///
/// For tests of your own: start one in your process with `port = 0`, and connect a `JobExecutionClient` to `port`.
///
/// `@unchecked Sendable`: what changes after `start` is inside `Mutex` or on its own loop.
public final class JobExecutionServer: @unchecked Sendable {
    public static let name = "errand"
    public static let version = "0.1.0"

    /// The port that it really listens on.
    public let port: UInt16
    /// Where it listens, as `HOST:PORT`.
    public let address: String

    private let loops: [EventLoop]
    private let contexts: [LoopContext]
    private let listener: Listener
    private let clockwork: StoreClockwork
    private let status: ServerStatus
    private let store: any ExecutionStore
    private let logger: Logger
    private let isStopping = Atomic<Bool>(false)
    private let stopped = Countdown(1)

    /// Starts serving with a store on disk, or in memory if the configuration has no directory. All that the store held
    /// when it was closed or killed is there again, and what became due since has happened.
    public static func start(_ configuration: ServerConfiguration = ServerConfiguration()) throws(ServerStartError)
        -> JobExecutionServer
    {
        let rules = ExecutionRules(minuteLengthMilliseconds: configuration.minuteLengthMilliseconds)
        let clock = ServerClock.system()
        let firstRevision = ChangeFeed.firstRevision(startedAtMilliseconds: clock.nowMilliseconds())
        var limits = StoreLimits()
        limits.watchHistoryEventCount = configuration.watchHistoryEventCount
        if let directory = configuration.dataDirectory {
            let store = try openStore(directory, rules, limits, clock, configuration)
            do throws(ServerStartError) {
                return try start(configuration, store: store, clock: clock)
            } catch {
                _ = store.close()
                throw error
            }
        }
        return try start(
            configuration, store: MemoryExecutionStore(rules: rules, limits: limits, firstRevision: firstRevision),
            clock: clock)
    }

    private static func openStore(
        _ directory: String, _ rules: ExecutionRules, _ limits: StoreLimits, _ clock: ServerClock,
        _ configuration: ServerConfiguration
    ) throws(ServerStartError) -> DurableExecutionStore {
        let logger = configuration.logger
        do throws(StorageFault) {
            let store = try DurableExecutionStore(
                directory: directory, rules: rules, limits: limits, at: clock.nowMilliseconds(),
                finishedRetentionMilliseconds: max(0, configuration.finishedRetentionMilliseconds)
            ) { report in
                switch report {
                case .isFull: logger.error("the disk is full; changes are refused until there is room")
                case .hasRoomAgain: logger.notice("the disk has room again; changes are taken")
                case .failed(let fault): logger.critical("read-only from here on: \(fault)")
                }
            }
            store.catchUp(to: clock.nowMilliseconds())
            let facts = store.recovery
            logger.info(
                "store opened",
                metadata: [
                    "directory": "\(directory)", "jobs": "\(facts.jobCount)",
                    "executions": "\(facts.executionCount)", "replayed": "\(facts.replayedRecordCount)",
                    "tables": "\(facts.tablesDuration)", "journal": "\(facts.journalDuration)",
                ])
            return store
        } catch {
            throw ServerStartError(description: error.description)
        }
    }

    /// `clock` is the time that executions live in, `steadyMilliseconds` what the connections' limits are measured with.
    package static func start(
        _ configuration: ServerConfiguration, store: any ExecutionStore, clock: ServerClock,
        steadyMilliseconds: @escaping @Sendable () -> Int64 = { SystemCall.steadyMilliseconds }
    ) throws(ServerStartError) -> JobExecutionServer {
        do {
            return try JobExecutionServer(
                configuration, store: store, clock: clock, steadyMilliseconds: steadyMilliseconds)
        } catch let error as SystemError where error.isAddressInUse {
            throw ServerStartError(
                description:
                    "\(configuration.host):\(configuration.port) is in use; choose another port or stop what listens there"
            )
        } catch let error as AddressError {
            throw ServerStartError(description: "cannot listen on \(error)")
        } catch {
            throw ServerStartError(
                description: "cannot listen on \(configuration.host):\(configuration.port): \(error)")
        }
    }

    private init(
        _ configuration: ServerConfiguration, store: any ExecutionStore, clock: ServerClock,
        steadyMilliseconds: @escaping @Sendable () -> Int64
    ) throws {
        let bootId = UInt64.random(in: 1...UInt64.max)
        let greeting = Self.greeting(configuration, bootId: bootId, now: clock.nowMilliseconds())
        logger = configuration.logger
        self.store = store
        status = ServerStatus(
            template: Self.info(configuration, bootId: bootId, now: clock.nowMilliseconds()), clock: clock, store: store
        )
        let addresses = try SocketAddress.resolve(
            host: configuration.host, port: configuration.port, forListening: true)
        let loopCount = max(1, configuration.loopCount ?? SystemCall.processorCount)
        var loops: [EventLoop] = []
        for index in 0..<loopCount {
            loops.append(try EventLoop(label: "errand.loop.\(index)", clock: steadyMilliseconds))
        }
        self.loops = loops
        let (status, logger) = (status, logger)
        let clockwork = StoreClockwork(store: store, clock: clock)
        self.clockwork = clockwork
        let contexts = loops.map {
            LoopContext(
                loop: $0, store: store, clock: clock, clockwork: clockwork, greeting: greeting, status: status,
                logger: logger)
        }
        self.contexts = contexts
        let spreader = ConnectionSpreader(contexts: contexts, connectionCountMax: configuration.connectionCountMax)
        listener = try Listener(on: addresses[0], loop: loops[0]) { spreader.take($0) }
        port = listener.address.port
        address = listener.address.description
        clockwork.start()
        listener.start()
    }

    private static func greeting(_ configuration: ServerConfiguration, bootId: UInt64, now: Int64) -> ServerGreeting {
        var welcome = Welcome()
        welcome.callsInFlightMax = UInt32(clamping: max(1, configuration.callsInFlightMax))
        welcome.bootId = bootId
        welcome.nowMilliseconds = now
        welcome.serverName = name
        welcome.serverVersion = version
        welcome.thingArnPrefix = configuration.thingArnPrefix
        return ServerGreeting(
            welcome: welcome, allowsCompression: configuration.allowsCompression,
            requiresChecksums: configuration.requiresChecksums)
    }

    private static func info(_ configuration: ServerConfiguration, bootId: UInt64, now: Int64) -> ServerInfo {
        ServerInfo(
            serverName: name, serverVersion: version, thingArnPrefix: configuration.thingArnPrefix,
            minuteLengthMilliseconds: UInt32(clamping: configuration.minuteLengthMilliseconds), bootId: bootId,
            startedAtMilliseconds: now, nowMilliseconds: now, jobCount: 0, executionCount: 0, callCount: 0,
            connectionCount: 0)
    }

    /// How many clients are connected.
    public var connectionCount: Int { status.connections }

    /// Stops accepting, tells every client to go elsewhere, answers what it has, and returns when all have gone, or
    /// after `graceMilliseconds` at the latest. Whoever calls it again waits for the same end.
    public func stop(graceMilliseconds: Int = 10_000) async {
        guard !isStopping.exchange(true, ordering: .relaxed) else { return await stopped.wait() }
        status.startDraining()
        listener.stop()
        let gone = Countdown(contexts.count)
        for context in contexts {
            context.loop.post {
                context.drain(graceMilliseconds: UInt32(clamping: graceMilliseconds)) { gone.countDown() }
            }
        }
        let abort = DispatchWorkItem { [contexts] in
            for context in contexts { context.loop.post { context.abortAll() } }
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(graceMilliseconds), execute: abort)
        await gone.wait()
        abort.cancel()
        clockwork.stop()
        for loop in loops { loop.stop() }
        await closeStore()
        stopped.countDown()
    }
}

extension JobExecutionServer {
    /// Off the caller's thread, because it waits for the disk.
    private func closeStore() async {
        let fault = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [store] in continuation.resume(returning: store.close()) }
        }
        if let fault { logger.error("the store did not close well: \(fault)") }
    }
}

/// Gives each accepted socket to the next loop.
private final class ConnectionSpreader: Sendable {
    private let contexts: [LoopContext]
    private let connectionCountMax: Int
    private let next = Atomic<UInt>(0)

    init(contexts: [LoopContext], connectionCountMax: Int) {
        self.contexts = contexts
        self.connectionCountMax = connectionCountMax
    }

    func take(_ socket: consuming SocketHandle) {
        let index = Int(next.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(contexts.count))
        let context = contexts[index]
        let parcel = SocketParcel(socket)
        context.loop.post { [connectionCountMax] in
            guard let socket = parcel.take() else { return }
            context.open(socket, connectionCountMax: connectionCountMax)
        }
    }
}

/// Carries a socket, which has one owner, into a closure, which may be copied.
private final class SocketParcel: Sendable {
    private let socket: Mutex<SocketHandle?>

    init(_ socket: consuming SocketHandle) {
        self.socket = Mutex(consume socket)
    }

    func take() -> SocketHandle? { socket.withLock { $0.take() } }
}
