/// The calls and bytes of one connection that are not answered yet (SPEC §6 `CALL-5`).
package struct CallWindow: Sendable {
    package let callCountMax: Int
    package let byteCountMax: Int
    package private(set) var callCount = 0
    package private(set) var byteCount = 0

    package init(callCountMax: Int, byteCountMax: Int) {
        self.callCountMax = callCountMax
        self.byteCountMax = byteCountMax
    }

    /// Whether another call of that size may be sent; a lone call always may.
    package func hasRoom(byteCount added: Int) -> Bool {
        callCount == 0 || (callCount < callCountMax && byteCount + added <= byteCountMax)
    }

    /// Refuses a segment that overruns the window, before any of its calls runs.
    package func admit(callCount added: Int, byteCount addedBytes: Int) throws(ConnectionFault) {
        guard added > 0 else { return }
        if callCount == 0 && added == 1 { return }
        guard callCount + added <= callCountMax, byteCount + addedBytes <= byteCountMax else { throw .windowExceeded }
    }

    package mutating func began(byteCount added: Int) {
        callCount += 1
        byteCount += added
    }

    package mutating func ended(callCount ended: Int = 1, byteCount removed: Int) {
        callCount -= ended
        byteCount -= removed
    }
}

/// Bounds the control messages that a client may send (SPEC §7.4 `CTL-1`).
package struct ControlBudget: Sendable {
    private var left = WireLimits.controlBudget
    private var refilledAt: Int64
    private static let millisecondsPerMessage: Int64 = 10

    package init(at nowMilliseconds: Int64) {
        refilledAt = nowMilliseconds
    }

    package mutating func refill(at nowMilliseconds: Int64) {
        let gained = (nowMilliseconds - refilledAt) / Self.millisecondsPerMessage
        guard gained > 0 else { return }
        left = min(WireLimits.controlBudget, left + Int(clamping: gained))
        refilledAt += gained * Self.millisecondsPerMessage
    }

    package mutating func giveBack(_ count: Int = 1) {
        left = min(WireLimits.controlBudget, left + count)
    }

    package mutating func spend() throws(ConnectionFault) {
        guard left > 0 else { throw .controlFlood }
        left -= 1
    }
}
