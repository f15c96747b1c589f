/// The handlers of a loop by token. A token names its handler for as long as it is here, and nobody afterwards.
struct HandlerTable {
    private struct Slot {
        var handler: (any EventHandler)?
        var generation: UInt32 = 0
    }

    private var slots: [Slot] = []
    private var freeSlots: [Int] = []

    var isEmpty: Bool { freeSlots.count == slots.count }

    /// A copy: handlers come and go while it is walked.
    var all: [any EventHandler] { slots.compactMap(\.handler) }

    /// Reserves a token; nobody answers to it before `set`.
    mutating func reserve() -> UInt64 {
        let index = freeSlots.popLast() ?? slots.count
        if index == slots.count { slots.append(Slot()) }
        return UInt64(slots[index].generation) << 32 | UInt64(index)
    }

    mutating func set(_ handler: any EventHandler, _ token: UInt64) {
        slots[Self.index(token)].handler = handler
    }

    /// Nothing for a token that was given back, even if its slot has a new handler.
    subscript(_ token: UInt64) -> (any EventHandler)? {
        let slot = slots[Self.index(token)]
        return slot.generation == UInt32(truncatingIfNeeded: token >> 32) ? slot.handler : nil
    }

    mutating func giveBack(_ token: UInt64) {
        let index = Self.index(token)
        precondition(slots[index].generation == UInt32(truncatingIfNeeded: token >> 32), "a token is given back once")
        slots[index].handler = nil
        slots[index].generation &+= 1
        freeSlots.append(index)
    }

    private static func index(_ token: UInt64) -> Int { Int(token & 0xFFFF_FFFF) }
}
