import ErrandCore

/// Where the next page of a list begins: what `nextToken` holds.
///
/// Its bytes are a kind, the place, and a check over both and the name of the list, so that a token of another list,
/// or any other bytes, are recognized. A token names an entry and not a moment, so it stays good while the list
/// changes. The check is no secret: whoever forges a token only reads on elsewhere in the same list.
enum PageToken: Equatable {
    /// Position in the order queued.
    case job(position: UInt32)
    /// All executions of a thing that were queued before the one of that sequence. None of these is newer than the
    /// one in that slot, if that is still one of the thing's and not before the sequence itself.
    case thing(sequence: UInt32, slot: UInt32)
    case pending(PendingPlace)
    /// All jobs that were created after this one.
    case jobs(creationNumber: UInt64)
    /// The history of that attempt from this entry on.
    case history(executionNumber: Int64, ordinal: UInt32)

    /// A place in a thing's pending list as it was ordered when the first page was read.
    ///
    /// An execution that starts between two pages moves to the front of the list; ordered as before, it is neither
    /// skipped nor given twice.
    struct PendingPlace: Comparable {
        /// What has happened to the queue after this is left out of the order.
        var asOfSequence: UInt32
        var wasQueued: Bool
        var queuedAt: Int64
        var sequence: UInt32

        static func < (left: Self, right: Self) -> Bool {
            if left.wasQueued != right.wasQueued { return !left.wasQueued }
            return (left.queuedAt, left.sequence) < (right.queuedAt, right.sequence)
        }
    }

    func bytes(of list: RawSpan) -> [UInt8] {
        var bytes: [UInt8]
        switch self {
        case .job(let position):
            bytes = [1]
            bytes.append(littleEndian: position)
        case .thing(let sequence, let slot):
            bytes = [2]
            bytes.append(littleEndian: sequence)
            bytes.append(littleEndian: slot)
        case .pending(let place):
            bytes = [place.wasQueued ? 4 : 3]
            bytes.append(littleEndian: place.asOfSequence)
            bytes.append(littleEndian: place.sequence)
            bytes.append(littleEndian: UInt64(bitPattern: place.queuedAt))
        case .jobs(let number):
            bytes = [5]
            bytes.append(littleEndian: number)
        case .history(let number, let ordinal):
            bytes = [6]
            bytes.append(littleEndian: UInt64(bitPattern: number))
            bytes.append(littleEndian: ordinal)
        }
        bytes.append(littleEndian: Self.check(bytes[...], list))
        return bytes
    }

    /// Nothing if these bytes are no token of this list.
    init?(_ bytes: [UInt8], of list: RawSpan) {
        guard bytes.count > 4 else { return nil }
        let body = bytes.dropLast(4)
        guard Self.number(bytes[(bytes.count - 4)...]) == UInt64(Self.check(body, list)) else { return nil }
        switch (body[0], body.count) {
        case (1, 5): self = .job(position: UInt32(truncatingIfNeeded: Self.number(body[1..<5])))
        case (2, 9):
            self = .thing(
                sequence: UInt32(truncatingIfNeeded: Self.number(body[1..<5])),
                slot: UInt32(truncatingIfNeeded: Self.number(body[5..<9])))
        case (3, 17), (4, 17):
            self = .pending(
                PendingPlace(
                    asOfSequence: UInt32(truncatingIfNeeded: Self.number(body[1..<5])), wasQueued: body[0] == 4,
                    queuedAt: Int64(bitPattern: Self.number(body[9..<17])),
                    sequence: UInt32(truncatingIfNeeded: Self.number(body[5..<9]))))
        case (5, 9): self = .jobs(creationNumber: Self.number(body[1..<9]))
        case (6, 13):
            self = .history(
                executionNumber: Int64(bitPattern: Self.number(body[1..<9])),
                ordinal: UInt32(truncatingIfNeeded: Self.number(body[9..<13])))
        default: return nil
        }
    }

    static let refusal = Refusal(
        InvalidField("nextToken", "is not a token of this list; leave it out to begin with the first page"))

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// FNV-1a, folded: the same on every server and after every start, unlike Swift's own hashes.
    private static func check(_ body: ArraySlice<UInt8>, _ list: RawSpan) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for offset in 0..<list.byteCount {
            // The offset is less than the byte count, and any byte is an integer.
            hash = (hash ^ UInt64(list.unsafeLoad(fromByteOffset: offset, as: UInt8.self))) &* 0x100_0000_01B3
        }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
