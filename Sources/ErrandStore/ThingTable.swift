import ErrandCore
internal import Synchronization

/// What a stripe knows of one thing.
struct ThingRecord {
    fileprivate let nameOffset: UInt32
    /// Where it stands in the table.
    fileprivate var place: UInt32
    /// How many of its executions are not terminal.
    var openCount: UInt32
    /// Numbers what happens to its queue: each enqueueing and each start takes the next.
    private(set) var lastSequence: UInt32 = 0
    /// Of the newest record that is about any of its executions, also one that is gone.
    var lastRecordSequence: UInt64 = 0

    fileprivate init(nameOffset: UInt32, place: UInt32) {
        self.nameOffset = nameOffset
        self.place = place
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

/// Where a table's places are, for those who want them in the cache and do not hold the table's lock.
final class PlacesHint: Sendable {
    private let address = Atomic<UInt>(0)
    private let mask = Atomic<UInt>(0)

    fileprivate func set(_ places: borrowing ContiguousArray<ThingTable.Place>) {
        places.withUnsafeBytes { bytes in
            mask.store(UInt(places.count - 1), ordering: .relaxed)
            // A number from here on: nobody reads through it.
            address.store(UInt(bitPattern: bytes.baseAddress), ordering: .relaxed)
        }
    }

    /// About where the thing with this hash stands: the two numbers may be of different moments.
    func address(of hash: UInt32) -> UInt {
        let index = UInt(hash) & mask.load(ordering: .relaxed)
        return address.load(ordering: .relaxed) &+ index &* UInt(MemoryLayout<ThingTable.Place>.stride)
    }
}

/// The things of a stripe by name: open addressing over one array of places, names packed in one array of bytes.
///
/// Looking a thing up allocates nothing, and a thing costs about 80 bytes. Things are never removed.
struct ThingTable: ~Copyable {
    /// All that a lookup needs, so that it looks at no other memory than this, the name and the execution.
    fileprivate struct Place {
        var hash: UInt32 = 0
        /// The index of the thing plus 1; 0 in a free place.
        var next: UInt32 = 0
        /// The slot of its newest execution, from where the chain of its executions leads to the oldest.
        var newestSlot = ExecutionSlot.none
        var nameOffset: UInt32 = 0
    }

    /// Its count is a power of two.
    private var places: ContiguousArray<Place> = ContiguousArray(repeating: Place(), count: 16)
    private var things: ContiguousArray<ThingRecord> = []
    /// Each name behind its byte count.
    private var nameBytes: ContiguousArray<UInt8> = []
    /// Things that come anew may have executions that are not in memory; none of these has a greater sequence.
    var sequenceFloor: UInt32 = 0
    let hint = PlacesHint()

    init() { hint.set(places) }

    /// Room for so many things, whose names may still want more.
    mutating func reserve(_ count: Int) {
        things.reserveCapacity(count)
        while count * 4 > places.count * 3 { grow() }
    }

    subscript(index: UInt32) -> ThingRecord {
        get { things[Int(index)] }
        _modify { yield &things[Int(index)] }
    }

    func newestSlot(of index: UInt32) -> UInt32 { places[Int(things[Int(index)].place)].newestSlot }

    mutating func setNewestSlot(_ slot: UInt32, of index: UInt32) {
        places[Int(things[Int(index)].place)].newestSlot = slot
    }

    /// The newest slot of the thing with that name; `none` if it has none or there is no such thing.
    func newestSlot(of name: RawSpan, hash: UInt32) -> UInt32 { places[place(of: name, hash: hash)].newestSlot }

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
        let record = ThingRecord(nameOffset: UInt32(nameBytes.count), place: UInt32(place))
        nameBytes.append(UInt8(bytes.byteCount))
        nameBytes.append(copying: bytes)
        things.append(record)
        things[things.count - 1].note(sequence: sequenceFloor)
        places[place] = Place(hash: hash, next: UInt32(things.count), nameOffset: record.nameOffset)
        return UInt32(things.count - 1)
    }

    func name(of index: UInt32) -> ThingName {
        ThingName(stored: nameBytes.span.bytes.extracting(nameRange(things[Int(index)].nameOffset)))
    }

    /// Where `name` is, or the free place where it would go.
    private func place(of name: RawSpan, hash: UInt32) -> Int {
        let places = places.span
        let mask = places.count - 1
        var index = Int(hash) & mask
        while true {
            let place = places[index]
            if place.next == 0 { return index }
            if place.hash == hash, nameBytes.span.bytes.extracting(nameRange(place.nameOffset)).hasSameBytes(as: name) {
                return index
            }
            index = (index + 1) & mask
        }
    }

    // MARK: Warming

    /// Asks for the name of the thing that most likely has this hash, and returns its newest slot.
    func prefetchName(of hash: UInt32) -> UInt32 {
        let place = likelyPlace(of: hash)
        if place.next != 0 { nameBytes.prefetch(Int(place.nameOffset), count: 32) }
        return place.newestSlot
    }

    func prefetchRecord(_ index: UInt32) { things.prefetch(Int(index)) }

    func likelyNewestSlot(of hash: UInt32) -> UInt32 { likelyPlace(of: hash).newestSlot }

    /// Of the thing that most likely has a name of this hash, without looking at its name; or a free place.
    private func likelyPlace(of hash: UInt32) -> Place {
        let places = places.span
        let mask = places.count - 1
        var index = Int(hash) & mask
        while places[index].next != 0, places[index].hash != hash { index = (index + 1) & mask }
        return places[index]
    }

    private mutating func grow() {
        let mask = places.count * 2 - 1
        var grown = ContiguousArray<Place>(repeating: Place(), count: mask + 1)
        for place in places where place.next != 0 {
            var index = Int(place.hash) & mask
            while grown[index].next != 0 { index = (index + 1) & mask }
            grown[index] = place
            things[Int(place.next - 1)].place = UInt32(index)
        }
        places = grown
        hint.set(places)
    }

    private func nameRange(_ offset: UInt32) -> Range<Int> {
        let start = Int(offset) + 1
        return start..<(start + Int(nameBytes[start - 1]))
    }
}

extension ContiguousArray<UInt8> {
    init(copying bytes: RawSpan) {
        // The array copies the buffer before it is there.
        self = bytes.withUnsafeBytes { ContiguousArray($0) }
    }

    mutating func append(copying bytes: RawSpan) {
        // append(contentsOf:) copies the buffer before it returns.
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }
}
