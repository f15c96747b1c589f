import ErrandCore

/// What a stripe knows of one thing.
struct ThingRecord {
    fileprivate let nameOffset: UInt32
    fileprivate let nameByteCount: UInt8
    /// The slot of its newest execution, from where the chain of its executions leads to the oldest.
    var newestSlot: UInt32
    /// How many of its executions are not terminal.
    var openCount: UInt32
    /// Numbers what happens to its queue: each enqueueing and each start takes the next.
    private(set) var lastSequence: UInt32 = 0

    fileprivate init(nameOffset: UInt32, nameByteCount: UInt8) {
        self.nameOffset = nameOffset
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

/// The things of a stripe by name: open addressing over one array of hashes and indexes, names packed in one array of bytes.
///
/// Looking a thing up allocates nothing, and a thing costs about 50 bytes. Things are never removed.
struct ThingTable: ~Copyable {
    /// The hash of a name, and the index of its thing plus 1; all zero is a free place. With the hash here no other
    /// thing's memory is looked at on the way to the right one.
    private struct Place {
        var hash: UInt32 = 0
        var next: UInt32 = 0
    }

    /// Its count is a power of two.
    private var places: ContiguousArray<Place> = ContiguousArray(repeating: Place(), count: 16)
    private var things: ContiguousArray<ThingRecord> = []
    private var nameBytes: ContiguousArray<UInt8> = []
    /// Things that come anew may have executions that are not in memory; none of these has a greater sequence.
    var sequenceFloor: UInt32 = 0

    subscript(index: UInt32) -> ThingRecord {
        get { things[Int(index)] }
        _modify { yield &things[Int(index)] }
    }

    func index(of name: RawSpan, hash: UInt32) -> UInt32? {
        let next = places[place(of: name, hash: hash)].next
        return next == 0 ? nil : next - 1
    }

    func index(of name: borrowing ThingName, hash: UInt32) -> UInt32? { index(of: name.text.bytes, hash: hash) }

    mutating func indexInserting(_ name: borrowing ThingName, hash: UInt32) -> UInt32 {
        let bytes = name.text.bytes
        var place = place(of: bytes, hash: hash)
        if places[place].next != 0 { return places[place].next - 1 }
        if (things.count + 1) * 4 > places.count * 3 {
            grow()
            place = self.place(of: bytes, hash: hash)
        }
        let record = ThingRecord(nameOffset: UInt32(nameBytes.count), nameByteCount: UInt8(bytes.byteCount))
        nameBytes.append(copying: bytes)
        things.append(record)
        things[things.count - 1].note(sequence: sequenceFloor)
        places[place] = Place(hash: hash, next: UInt32(things.count))
        return UInt32(things.count - 1)
    }

    func name(of index: UInt32) -> ThingName {
        ThingName(stored: nameBytes.span.bytes.extracting(nameRange(things[Int(index)])))
    }

    /// Where `name` is, or the free place where it would go.
    private func place(of name: RawSpan, hash: UInt32) -> Int {
        let places = places.span
        let mask = places.count - 1
        var index = Int(hash) & mask
        while true {
            let place = places[index]
            if place.next == 0 { return index }
            if place.hash == hash,
                nameBytes.span.bytes.extracting(nameRange(things[Int(place.next - 1)])).hasSameBytes(as: name)
            {
                return index
            }
            index = (index + 1) & mask
        }
    }

    // MARK: Warming

    func prefetchPlace(of hash: UInt32) { places.prefetch(Int(hash) & (places.count - 1)) }

    func prefetchThing(of hash: UInt32) {
        if let index = likelyIndex(of: hash) { things.prefetch(Int(index)) }
    }

    func prefetchName(of index: UInt32) { nameBytes.prefetch(Int(things[Int(index)].nameOffset), count: 32) }

    /// The thing that most likely has a name of this hash, without looking at its name.
    func likelyIndex(of hash: UInt32) -> UInt32? {
        let places = places.span
        let mask = places.count - 1
        var index = Int(hash) & mask
        while places[index].next != 0 {
            if places[index].hash == hash { return places[index].next - 1 }
            index = (index + 1) & mask
        }
        return nil
    }

    private mutating func grow() {
        let mask = places.count * 2 - 1
        var grown = ContiguousArray<Place>(repeating: Place(), count: mask + 1)
        for place in places where place.next != 0 {
            var index = Int(place.hash) & mask
            while grown[index].next != 0 { index = (index + 1) & mask }
            grown[index] = place
        }
        places = grown
    }

    private func nameRange(_ thing: ThingRecord) -> Range<Int> {
        let start = Int(thing.nameOffset)
        return start..<(start + Int(thing.nameByteCount))
    }
}

extension ContiguousArray<UInt8> {
    mutating func append(copying bytes: RawSpan) {
        // append(contentsOf:) copies the buffer before it returns.
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }
}
