/// Calls that wait for a connection or for room in the window, first come, first sent.
struct WaitingCalls {
    /// From `head` on: those that wait, the first of them at `head`, and between them those that were removed.
    private var calls: [OutstandingCall] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var first: OutstandingCall? { isEmpty ? nil : calls[head] }

    var all: [OutstandingCall] { calls[head...].filter(\.isWaiting) }

    mutating func append(_ call: OutstandingCall) {
        call.isWaiting = true
        count += 1
        calls.append(call)
    }

    mutating func removeFirst() {
        _ = remove(calls[head])
    }

    /// Puts calls before all others.
    mutating func prepend(_ earlier: [OutstandingCall]) {
        guard !earlier.isEmpty else { return }
        for call in earlier { call.isWaiting = true }
        count += earlier.count
        calls.replaceSubrange(..<head, with: earlier)
        head = 0
    }

    /// False if it does not wait here. Its place stays for a while: to close it would move all behind it.
    mutating func remove(_ call: OutstandingCall) -> Bool {
        guard call.isWaiting else { return false }
        call.isWaiting = false
        count -= 1
        while head < calls.count, !calls[head].isWaiting { head += 1 }
        // Closes the gaps once in a while, so that each call is moved at most once on average.
        if calls.count > 2 * count + 64 { keep(all) }
        return true
    }

    mutating func removeExpired(at now: Int64) -> [OutstandingCall] {
        let waiting = all
        let expired = waiting.filter { $0.deadline <= now }
        guard !expired.isEmpty else { return [] }
        for call in expired { call.isWaiting = false }
        keep(waiting.filter(\.isWaiting))
        return expired
    }

    mutating func removeAll() -> [OutstandingCall] {
        let waiting = all
        for call in waiting { call.isWaiting = false }
        keep([])
        return waiting
    }

    private mutating func keep(_ waiting: [OutstandingCall]) {
        calls = waiting
        head = 0
        count = waiting.count
    }

    var earliestDeadline: Int64 { all.reduce(Int64.max) { min($0, $1.deadline) } }
}
