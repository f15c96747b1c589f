import ErrandCore

/// The targets of a job in the order given, packed: for each a byte with its length, then its name.
struct TargetNames {
    private var bytes: ContiguousArray<UInt8> = []
    /// Where every 256th name begins.
    private var marks: ContiguousArray<Int> = []
    private(set) var count = 0

    private static let namesPerMark = 256

    /// A place in the list, for reading on from there.
    struct Cursor {
        fileprivate(set) var position = 0
        fileprivate var offset = 0
    }

    mutating func append(_ names: ArraySlice<ThingName>) {
        for name in names {
            if count % Self.namesPerMark == 0 { marks.append(bytes.count) }
            let nameBytes = name.text.bytes
            bytes.append(UInt8(nameBytes.byteCount))
            bytes.append(copying: nameBytes)
            count += 1
        }
    }

    /// The name at the cursor, which moves past it; nothing at the end.
    func next(_ cursor: inout Cursor) -> ThingName? {
        guard cursor.position < count else { return nil }
        let range = nameRange(at: cursor)
        cursor.position += 1
        cursor.offset = range.upperBound
        return ThingName(stored: bytes.span.bytes.extracting(range))
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

    private func cursor(at position: Int) -> Cursor {
        let mark = position / Self.namesPerMark
        var cursor = Cursor(position: mark * Self.namesPerMark, offset: marks[mark])
        while cursor.position < position {
            cursor.offset = nameRange(at: cursor).upperBound
            cursor.position += 1
        }
        return cursor
    }

    private func nameRange(at cursor: Cursor) -> Range<Int> {
        let start = cursor.offset + 1
        return start..<(start + Int(bytes[cursor.offset]))
    }
}
