import Dispatch
import Synchronization

/// A line on standard error that is painted over itself while work goes on; silent where nobody watches.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let label: String
    private let total: Int
    private let paintedAt: Mutex<UInt64> = Mutex(0)

    private static let nanosecondsBetweenPaints: UInt64 = 100_000_000
    private static let barWidth = 30

    init(_ label: String, total: Int) {
        self.label = label
        self.total = total
        isShown = StandardError.isTerminal
    }

    /// Call it as often as you like; it paints ten times a second at most.
    func update(_ done: Int, note: @autoclosure () -> String = "") {
        guard isShown else { return }
        let now = DispatchTime.now().uptimeNanoseconds
        let isDue = paintedAt.withLock { last in
            guard now - last >= Self.nanosecondsBetweenPaints || done >= total else { return false }
            last = now
            return true
        }
        if isDue { StandardError.write("\r\u{1B}[K" + Self.text(label, done, total, note())) }
    }

    /// Takes the line away.
    func finish() {
        if isShown { StandardError.write("\r\u{1B}[K") }
    }

    static func text(_ label: String, _ done: Int, _ total: Int, _ note: String) -> String {
        let share = total > 0 ? Double(min(done, total)) / Double(total) : 1
        let filled = Int(share * Double(barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
        return "\(label) [\(bar)] \(done)/\(total)\(note.isEmpty ? "" : "  " + note)"
    }
}
