/// Records on their way into one group: each a length of four bytes and the record itself.
///
/// It keeps its memory when it is emptied, so that appending allocates nothing in the steady state. The memory is its own
/// rather than an array's, because a record has some twenty short fields and an array is looked at before each.
///
/// `@unchecked Sendable`: it cannot be copied, so that whoever has it is the only one who has its memory.
package struct JournalBuffer: ~Copyable, @unchecked Sendable {
    /// Holds `capacity` bytes, of which the first `byteCount` are written.
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    package private(set) var byteCount = 0

    package init() { self.init(capacity: 256) }

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { base.deallocate() }

    package var span: RawSpan {
        @_lifetime(borrow self)
        get {
            // The bytes are written and stay where they are as long as the buffer is borrowed.
            let span = RawSpan(_unsafeStart: base, byteCount: byteCount)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// A copy.
    package var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: byteCount)) }

    package mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: byteCount, as: UInt8.self)
        byteCount += 1
    }

    package mutating func append(_ span: RawSpan) {
        let count = span.byteCount
        reserve(count)
        let end = base + byteCount
        span.withUnsafeBytes { source in
            // There is room for as many bytes, and the source is somebody else's memory.
            if let start = source.baseAddress { end.copyMemory(from: start, byteCount: count) }
        }
        byteCount += count
    }

    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0.span.bytes) }
    }

    package mutating func append(_ integer: some FixedWidthInteger & BitwiseCopyable) {
        let count = MemoryLayout.size(ofValue: integer)
        reserve(count)
        base.storeBytes(of: integer.littleEndian, toByteOffset: byteCount, as: type(of: integer))
        byteCount += count
    }

    /// Appends one record: what `write` appends, under its length.
    mutating func appendRecord(_ write: (inout JournalBuffer) -> Void) {
        let start = byteCount
        append(UInt32(0))
        write(&self)
        let count = UInt32(truncatingIfNeeded: byteCount - start - 4)
        base.storeBytes(of: count.littleEndian, toByteOffset: start, as: UInt32.self)
    }

    mutating func removeAll() { byteCount = 0 }

    @inline(__always)
    private mutating func reserve(_ count: Int) {
        if capacity - byteCount < count { grow(by: count) }
    }

    @inline(never)
    private mutating func grow(by count: Int) {
        let newCapacity = max(2 * capacity, byteCount + count)
        let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 8)
        new.copyMemory(from: base, byteCount: byteCount)
        base.deallocate()
        (base, capacity) = (new, newCapacity)
    }
}

/// Reads the records of a group, which came from a file.
package enum JournalRecords {
    /// Calls `body` for each record, and checks that there are as many as the group's sequences say.
    package static func forEach(
        first: UInt64, last: UInt64, in records: RawSpan,
        _ body: (_ sequence: UInt64, _ record: RawSpan) throws(StorageFault) -> Void
    ) throws(StorageFault) {
        var offset = 0
        var sequence = first
        while offset < records.byteCount {
            guard sequence <= last, records.byteCount - offset >= 4 else { throw malformed(sequence) }
            let byteCount = Int(
                UInt32(littleEndian: records.fourBytes(at: offset)))
            offset += 4
            guard byteCount <= records.byteCount - offset else { throw malformed(sequence) }
            try body(sequence, records.extracting(offset..<(offset + byteCount)))
            offset += byteCount
            sequence += 1
        }
        guard sequence == last &+ 1 else { throw malformed(sequence) }
    }

    private static func malformed(_ sequence: UInt64) -> StorageFault {
        .damaged("the records do not fit their group", at: "journal, sequence \(sequence)")
    }
}

extension RawSpan {
    /// Four bytes at an offset that the caller has checked; the span checks it again.
    fileprivate func fourBytes(at offset: Int) -> UInt32 {
        // Any four bytes are an integer, and the slice is as long as it.
        extracting(offset..<(offset + 4)).withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    }
}
