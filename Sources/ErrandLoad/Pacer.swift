internal import Dispatch
internal import Glibc
internal import Synchronization

/// Wakes a load at short intervals from a thread of its own, since a loop's timers know whole milliseconds only: an
/// open loop would send bursts.
final class Pacer: Sendable {
    private let isStopped = Atomic(false)
    /// So that a loop that is behind does not find a pile of wake-ups.
    private let isPosted = Atomic(false)

    private static let microsecondsBetweenTicks: UInt32 = 50

    /// `post` runs its argument on the load's loop.
    func start(post: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void, tick: @escaping @Sendable () -> Void)
    {
        DispatchQueue(label: "errand.bench.pacer", qos: .userInteractive).async { [self] in
            while !isStopped.load(ordering: .relaxed) {
                usleep(Self.microsecondsBetweenTicks)
                guard !isPosted.exchange(true, ordering: .acquiring) else { continue }
                post { [self] in
                    isPosted.store(false, ordering: .releasing)
                    if !isStopped.load(ordering: .relaxed) { tick() }
                }
            }
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}

/// When the calls of an open loop are due.
struct Schedule {
    private let nanosecondsPerCall: Double
    /// Nothing is due before it has begun.
    private var beginsAt: Int64?
    private var callIndex = 0

    init(callsPerSecond: Int) { nanosecondsPerCall = 1e9 / Double(callsPerSecond) }

    mutating func begin(at now: Int64) { beginsAt = now }

    /// The moment of the next call, if it has come.
    func due(at now: Int64) -> Int64? {
        guard let beginsAt else { return nil }
        let moment = beginsAt + Int64(Double(callIndex) * nanosecondsPerCall)
        return moment <= now ? moment : nil
    }

    mutating func advance() { callIndex += 1 }
}
