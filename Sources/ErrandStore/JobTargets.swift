import ErrandCore

/// The targets of a job in the order given, packed: for each a byte with its length, then its name.
struct JobTargets {
    private(set) var bytes: ContiguousArray<UInt8> = []
    /// Where every 256th name begins.
    private var marks: ContiguousArray<Int> = []
    private(set) var count = 0
    private(set) var distinctCount = 0
    /// Where each distinct name begins, plus 1, by its hash; 0 is a free place. Only while targets wait to be queued.
    private var places: ContiguousArray<UInt32> = []
    /// Where the names begin that are not to be queued (any more): removed, or queued and deleted.
    var excluded: Set<UInt32> = []

    private static let namesPerMark = 256

    /// A place in the list, for reading on from there.
    struct Cursor {
        var position = 0
        var offset = 0
    }

    /// A name to queue, where it begins, and where the list goes on behind it.
    struct Target {
        var name: ThingName
        var offset: UInt32
        var end: Cursor
    }

    /// Without index they can only be read back; that is enough when none waits to be queued.
    mutating func append(_ names: ArraySlice<ThingName>, isIndexed: Bool = true) {
        for name in names {
            if count % Self.namesPerMark == 0 { marks.append(bytes.count) }
            if isIndexed { addToIndex(name) }
            let nameBytes = name.text.bytes
            bytes.append(UInt8(nameBytes.byteCount))
            bytes.append(copying: nameBytes)
            count += 1
        }
    }

    /// The next name to queue, and where it begins; nothing at the end. Names that came before or are excluded are
    /// passed over.
    func next(_ cursor: inout Cursor) -> Target? {
        while cursor.position < count {
            let offset = UInt32(cursor.offset)
            let range = nameRange(at: cursor)
            cursor.position += 1
            cursor.offset = range.upperBound
            let name = ThingName(stored: bytes.span.bytes.extracting(range))
            guard !excluded.contains(offset), places.isEmpty || firstOffset(of: name) == offset else { continue }
            return Target(name: name, offset: offset, end: cursor)
        }
        return nil
    }

    func isAtEnd(_ cursor: Cursor) -> Bool { cursor.position >= count }

    func isExcluded(_ offset: UInt32) -> Bool { excluded.contains(offset) }

    /// Whether `name` is a target that had not been excluded before.
    mutating func exclude(_ name: ThingName) -> Bool {
        guard !places.isEmpty, let offset = firstOffset(of: name) else { return false }
        return excluded.insert(offset).inserted
    }

    /// Nothing waits to be queued any more.
    mutating func dropIndex() {
        places = []
        excluded = []
    }

    /// Whether `names` stand here from `position` on.
    func holds(_ names: ArraySlice<ThingName>, at position: Int) -> Bool {
        guard position + names.count <= count else { return false }
        guard !names.isEmpty else { return true }
        var cursor = cursor(at: position)
        for name in names {
            let range = nameRange(at: cursor)
            guard bytes.span.bytes.extracting(range).hasSameBytes(as: name.text.bytes) else { return false }
            cursor.offset = range.upperBound
        }
        return true
    }

    private mutating func addToIndex(_ name: borrowing ThingName) {
        if (distinctCount + 1) * 2 > places.count { growIndex() }
        let place = place(of: name)
        guard places[place] == 0 else { return }
        places[place] = UInt32(bytes.count + 1)
        distinctCount += 1
    }

    private func firstOffset(of name: borrowing ThingName) -> UInt32? {
        let place = place(of: name)
        return places[place] == 0 ? nil : places[place] - 1
    }

    /// Where `name` is in the index, or the free place where it would go.
    private func place(of name: borrowing ThingName) -> Int {
        let mask = places.count - 1
        var hasher = Hasher()
        name.text.hash(into: &hasher)
        var place = hasher.finalize() & mask
        while places[place] != 0 {
            let range = nameRange(at: Cursor(offset: Int(places[place] - 1)))
            if bytes.span.bytes.extracting(range).hasSameBytes(as: name.text.bytes) { return place }
            place = (place + 1) & mask
        }
        return place
    }

    private mutating func growIndex() {
        let old = places
        places = ContiguousArray(repeating: 0, count: max(4, old.count * 2))
        for offset in old where offset != 0 {
            let range = nameRange(at: Cursor(offset: Int(offset - 1)))
            places[place(of: ThingName(stored: bytes.span.bytes.extracting(range)))] = offset
        }
    }

    func cursor(at position: Int) -> Cursor {
        let mark = position / Self.namesPerMark
        var cursor = Cursor(position: mark * Self.namesPerMark, offset: marks[mark])
        while cursor.position < position {
            cursor.offset = nameRange(at: cursor).upperBound
            cursor.position += 1
        }
        return cursor
    }

    /// Whether a cursor that comes from a file leads somewhere. Mostly it is a step or two behind `start`, which does.
    func isCursor(_ cursor: Cursor, after start: Cursor) -> Bool {
        guard cursor.position <= count else { return false }
        var found = start
        if cursor.position < start.position || cursor.position - start.position > Self.namesPerMark {
            if cursor.position == count { return cursor.offset == bytes.count }
            found = self.cursor(at: cursor.position)
        }
        while found.position < cursor.position {
            found.offset = nameRange(at: found).upperBound
            found.position += 1
        }
        return found.offset == cursor.offset
    }

    private func nameRange(at cursor: Cursor) -> Range<Int> {
        let start = cursor.offset + 1
        return start..<(start + Int(bytes[cursor.offset]))
    }
}
