/// Records on their way into one group: each a length of four bytes and the record itself.
///
/// It keeps its memory when it is emptied, so that appending allocates nothing in the steady state.
package struct JournalBuffer: ~Copyable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var byteCount: Int { bytes.count }

    package mutating func append(_ byte: UInt8) { bytes.append(byte) }

    package mutating func append(_ span: RawSpan) {
        // The buffer lives through the call, which copies it.
        span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    package mutating func append(_ integer: some FixedWidthInteger) {
        var rest = integer.littleEndian
        // The integer's own bytes, copied during the call.
        withUnsafeBytes(of: &rest) { bytes.append(contentsOf: $0) }
    }

    /// Appends one record: what `write` appends, under its length.
    mutating func appendRecord(_ write: (inout JournalBuffer) -> Void) {
        let start = bytes.count
        append(UInt32(0))
        write(&self)
        let byteCount = UInt32(bytes.count - start - 4)
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: byteCount >> (8 * UInt32(index))) }
    }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
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
