/// Calls that wait for a connection or for room in the window, first come, first sent.
struct WaitingCalls {
    private var calls: [OutstandingCall] = []
    private var head = 0

    var isEmpty: Bool { head == calls.count }
    var count: Int { calls.count - head }
    var first: OutstandingCall? { isEmpty ? nil : calls[head] }

    var all: ArraySlice<OutstandingCall> { calls[head...] }

    mutating func append(_ call: OutstandingCall) {
        calls.append(call)
    }

    mutating func removeFirst() {
        head += 1
        // Moves the rest down once in a while, so that each call is moved at most once on average.
        if head > 64 && head * 2 > calls.count {
            calls.removeSubrange(..<head)
            head = 0
        }
    }

    /// Puts calls before all others.
    mutating func prepend(_ earlier: [OutstandingCall]) {
        guard !earlier.isEmpty else { return }
        calls.replaceSubrange(..<head, with: earlier)
        head = 0
    }

    /// False if it does not wait here.
    mutating func remove(_ call: OutstandingCall) -> Bool {
        guard let index = calls[head...].firstIndex(where: { $0 === call }) else { return false }
        calls.remove(at: index)
        return true
    }

    mutating func removeExpired(at now: Int64) -> [OutstandingCall] {
        let expired = calls[head...].filter { $0.deadline <= now }
        if !expired.isEmpty {
            calls = calls[head...].filter { $0.deadline > now }
            head = 0
        }
        return expired
    }

    mutating func removeAll() -> [OutstandingCall] {
        defer {
            calls = []
            head = 0
        }
        return Array(calls[head...])
    }

    var earliestDeadline: Int64 { calls[head...].reduce(Int64.max) { min($0, $1.deadline) } }
}
