import Synchronization

/// What all devices of a demo count together.
final class Scoreboard: Sendable {
    private let calls = Atomic<Int>(0)
    private let devices = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)
    private let found: Mutex<(count: Int, first: [String])> = Mutex((0, []))

    private static let disagreementsKeptMax = 20

    func called() { calls.wrappingAdd(1, ordering: .relaxed) }
    func refused() { refusals.wrappingAdd(1, ordering: .relaxed) }
    /// Returns how many devices are done now.
    func deviceDone() -> Int { devices.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Calls that were answered, refusals included.
    var callCount: Int { calls.load(ordering: .relaxed) }
    /// Refusals that had to come: late reports, stale versions, cancels without force.
    var expectedRefusalCount: Int { refusals.load(ordering: .relaxed) }

    func add(_ disagreement: String) {
        found.withLock {
            $0.count += 1
            if $0.first.count < Self.disagreementsKeptMax { $0.first.append(disagreement) }
        }
    }

    /// Throws if anything differed, after printing the first few.
    func throwIfAny() throws(CommandFailure) {
        let (count, first) = found.withLock { $0 }
        guard count > 0 else { return }
        for text in first { StandardError.write("errand: demo: " + EscapedText.line(text) + "\n") }
        throw CommandFailure(.refused, "demo: \(count) disagreements between the server and those who called it")
    }
}
