import ErrandCore

/// What a stripe knows of one thing.
struct ThingRecord {
    fileprivate let nameOffset: UInt32
    fileprivate let nameHash: UInt32
    fileprivate let nameByteCount: UInt8
    /// The slot of its newest execution, from where the chain of its executions leads to the oldest.
    var newestSlot: UInt32
    /// How many of its executions are not terminal.
    var openCount: UInt32
    /// Numbers what happens to its queue: each enqueueing and each start takes the next.
    private(set) var lastSequence: UInt32 = 0

    fileprivate init(nameOffset: UInt32, nameHash: UInt32, nameByteCount: UInt8) {
        self.nameOffset = nameOffset
        self.nameHash = nameHash
        self.nameByteCount = nameByteCount
        newestSlot = ExecutionSlot.none
        openCount = 0
    }

    mutating func takeSequence() -> UInt32 {
        lastSequence = nextSequence
        return lastSequence
    }

    /// What `takeSequence` would take.
    var nextSequence: UInt32 { lastSequence &+ 1 }

    /// Something of an earlier run, or of a record, has that number.
    mutating func note(sequence: UInt32) { lastSequence = max(lastSequence, sequence) }
}

/// The things of a stripe by name: open addressing over one array of indexes, names packed in one array of bytes.
///
/// Looking a thing up allocates nothing, and a thing costs about 50 bytes. Things are never removed.
struct ThingTable: ~Copyable {
    /// Index of the thing plus 1; 0 is a free place. Its count is a power of two.
    private var places: ContiguousArray<UInt32> = ContiguousArray(repeating: 0, count: 16)
    private var things: ContiguousArray<ThingRecord> = []
    private var nameBytes: ContiguousArray<UInt8> = []

    subscript(index: UInt32) -> ThingRecord {
        get { things[Int(index)] }
        _modify { yield &things[Int(index)] }
    }

    func index(of name: borrowing ThingName, hash: UInt32) -> UInt32? {
        let place = place(of: name, hash: hash)
        return places[place] == 0 ? nil : places[place] - 1
    }

    mutating func indexInserting(_ name: borrowing ThingName, hash: UInt32) -> UInt32 {
        var place = place(of: name, hash: hash)
        if places[place] != 0 { return places[place] - 1 }
        if (things.count + 1) * 4 > places.count * 3 {
            grow()
            place = self.place(of: name, hash: hash)
        }
        let bytes = name.text.bytes
        let record = ThingRecord(
            nameOffset: UInt32(nameBytes.count), nameHash: hash, nameByteCount: UInt8(bytes.byteCount))
        nameBytes.append(copying: bytes)
        things.append(record)
        places[place] = UInt32(things.count)
        return UInt32(things.count - 1)
    }

    func name(of index: UInt32) -> ThingName {
        ThingName(stored: nameBytes.span.bytes.extracting(nameRange(things[Int(index)])))
    }

    /// Where `name` is, or the free place where it would go.
    private func place(of name: borrowing ThingName, hash: UInt32) -> Int {
        let mask = places.count - 1
        var place = Int(hash) & mask
        while places[place] != 0 {
            let thing = things[Int(places[place] - 1)]
            if thing.nameHash == hash,
                nameBytes.span.bytes.extracting(nameRange(thing)).hasSameBytes(as: name.text.bytes)
            {
                return place
            }
            place = (place + 1) & mask
        }
        return place
    }

    private mutating func grow() {
        let mask = places.count * 2 - 1
        var grown = ContiguousArray<UInt32>(repeating: 0, count: mask + 1)
        for (index, thing) in things.enumerated() {
            var place = Int(thing.nameHash) & mask
            while grown[place] != 0 { place = (place + 1) & mask }
            grown[place] = UInt32(index + 1)
        }
        places = grown
    }

    private func nameRange(_ thing: ThingRecord) -> Range<Int> {
        let start = Int(thing.nameOffset)
        return start..<(start + Int(thing.nameByteCount))
    }
}

extension RawSpan {
    func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var offset = 0
        while byteCount - offset >= 8 {
            let word = unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word != other.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) { return false }
            offset += 8
        }
        while offset < byteCount {
            let byte = unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            if byte != other.unsafeLoad(fromByteOffset: offset, as: UInt8.self) { return false }
            offset += 1
        }
        return true
    }
}

extension ContiguousArray<UInt8> {
    mutating func append(copying bytes: RawSpan) {
        for offset in 0..<bytes.byteCount {
            append(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
    }
}
