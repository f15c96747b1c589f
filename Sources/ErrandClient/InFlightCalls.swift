/// The calls that were sent and not answered, by request id.
///
/// Ids count up, so nearly every call has a place of its own at its id modulo the number of places, and finding it
/// hashes nothing. A call whose place is taken by one that has waited for very long stands in a dictionary.
struct InFlightCalls {
    typealias Call = ChannelState.InFlight

    /// Empty until the first call; request id 0 marks a free place.
    private var places: [(id: UInt64, call: Call)] = []
    private var others: [UInt64: Call] = [:]
    private(set) var count = 0

    private static let placeCount = 512
    private static let free: (id: UInt64, call: Call) = (0, Call(call: nil, opcode: 0, frameByteCount: 0))

    private static func place(_ id: UInt64) -> Int { Int(truncatingIfNeeded: id) & (placeCount - 1) }

    /// A call that begins; its id is new.
    mutating func add(_ call: Call, id: UInt64) {
        if places.isEmpty { places = Array(repeating: Self.free, count: Self.placeCount) }
        count += 1
        let place = Self.place(id)
        if places[place].id == 0 { places[place] = (id, call) } else { others[id] = call }
    }

    /// Takes out a call that is over; nothing if no such call is in flight.
    mutating func take(_ id: UInt64, opcode: UInt8) -> Call? {
        guard let known = self.opcode(of: id), known == opcode else { return nil }
        count -= 1
        let place = Self.place(id)
        guard places[place].id == id else { return others.removeValue(forKey: id) }
        // Swapped out and not copied, so that nobody counts a reference.
        var taken = Self.free
        swap(&taken, &places[place])
        return taken.call
    }

    private func opcode(of id: UInt64) -> UInt8? {
        guard id != 0, !places.isEmpty else { return nil }
        let place = Self.place(id)
        return places[place].id == id ? places[place].call.opcode : others.isEmpty ? nil : others[id]?.opcode
    }

    subscript(id: UInt64) -> Call? {
        guard id != 0, !places.isEmpty else { return nil }
        let place = Self.place(id)
        return places[place].id == id ? places[place].call : others.isEmpty ? nil : others[id]
    }

    /// Nobody waits for this call any more; it stays until it is answered.
    mutating func abandon(_ id: UInt64) {
        guard self[id] != nil else { return }
        let place = Self.place(id)
        if places[place].id == id { places[place].call.call = nil } else { others[id]?.call = nil }
    }

    /// Those that somebody waits for, in the order sent.
    var waitedFor: [(id: UInt64, call: OutstandingCall)] {
        let all = places.lazy.filter { $0.id != 0 }.map { ($0.id, $0.call) } + others.map { ($0.key, $0.value) }
        return all.compactMap { id, entry in entry.call.map { (id, $0) } }.sorted { $0.0 < $1.0 }
    }

    mutating func removeAll() {
        places = []
        others = [:]
        count = 0
    }
}
