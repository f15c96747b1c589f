import ErrandCore

/// Where a record or a row is, for a fault: a text is made of it only when there is one.
enum RecordPlace: CustomStringConvertible {
    case sequence(UInt64)
    case row(StaticString, Int64)
    case cell(StaticString, Int64, Int64)
    case fact(StaticString)

    var description: String {
        switch self {
        case .sequence(let sequence): "journal, sequence \(sequence)"
        case .row(let table, let row): "\(table), row \(row)"
        case .cell(let table, let row, let column): "\(table), row \(row), \(column)"
        case .fact(let name): "facts, row \(name)"
        }
    }

    /// A row is written when all that it shows is in the journal. One that claims to show more would make those who read it
    /// wait for records that may never come, and a replay skip those that do.
    func check(showing sequence: UInt64, ofJournalUpTo last: UInt64) throws(StorageFault) {
        guard sequence <= last else {
            throw .damaged("it shows record \(sequence), but the journal ends with \(last)", at: "\(self)")
        }
    }
}

/// Reads what a `JournalBuffer` wrote. The bytes come from a file: whatever they are, reading ends with a value or a fault.
struct RecordReader: ~Escapable {
    private let bytes: RawSpan
    private(set) var offset = 0
    private let place: RecordPlace

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, place: RecordPlace) {
        self.bytes = bytes
        self.place = place
    }

    /// Beyond what any store counts to, and far from where arithmetic overflows. Times are within it too, both ways.
    static let numberMax: UInt64 = 1 << 62

    var isAtEnd: Bool { offset >= bytes.byteCount }

    func malformed(_ what: String) -> StorageFault {
        .damaged("\(what) at byte \(offset)", at: "\(place)")
    }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ type: Integer.Type = Integer.self
    ) throws(StorageFault) -> Integer {
        let byteCount = Integer.bitWidth / 8
        guard bytes.byteCount - offset >= byteCount else { throw malformed("the record ends early") }
        // Any bytes are an integer, and there are as many as it has.
        let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Integer.self)
        offset += byteCount
        return Integer(littleEndian: value)
    }

    mutating func byte() throws(StorageFault) -> UInt8 { try integer(UInt8.self) }

    mutating func flag() throws(StorageFault) -> Bool { try byte() != 0 }

    mutating func optional() throws(StorageFault) -> Int64? {
        try flag() ? try integer(Int64.self) : nil
    }

    /// Bytes under their length.
    @_lifetime(copy self)
    mutating func sizedBytes() throws(StorageFault) -> RawSpan {
        let byteCount = Int(try integer(UInt32.self))
        guard byteCount <= bytes.byteCount - offset else { throw malformed("bytes end early") }
        let start = offset
        offset += byteCount
        return bytes.extracting(start..<offset)
    }

    mutating func byteArray() throws(StorageFault) -> [UInt8] {
        // The array copies them during the call.
        try sizedBytes().withUnsafeBytes { Array($0) }
    }

    mutating func text() throws(StorageFault) -> String { String(decoding: try byteArray(), as: UTF8.self) }

    mutating func optionalText() throws(StorageFault) -> String? { try flag() ? try text() : nil }

    mutating func status() throws(StorageFault) -> JobExecutionStatus {
        guard let status = JobExecutionStatus(rawValue: try byte()) else { throw malformed("no such status") }
        return status
    }

    /// 0 stands for none.
    mutating func optionalStatus() throws(StorageFault) -> JobExecutionStatus? {
        let value = try byte()
        if value == 0 { return nil }
        guard let status = JobExecutionStatus(rawValue: value) else { throw malformed("no such status") }
        return status
    }

    mutating func jobStatus() throws(StorageFault) -> JobStatus {
        guard let status = JobStatus(rawValue: try byte()) else { throw malformed("no such job status") }
        return status
    }

    mutating func actor() throws(StorageFault) -> HistoryActor {
        guard let actor = HistoryActor(rawValue: try byte()) else { throw malformed("no such actor") }
        return actor
    }

    mutating func thingName() throws(StorageFault) -> ThingName {
        let range = try nameRange()
        guard let name = ThingName(received: bytes.extracting(range)) else {
            throw malformed("a name is too long")
        }
        return name
    }

    mutating func jobId() throws(StorageFault) -> JobId {
        let range = try nameRange()
        guard let id = JobId(received: bytes.extracting(range)) else { throw malformed("an id is too long") }
        return id
    }

    mutating func skipName() throws(StorageFault) { _ = try nameRange() }

    private mutating func nameRange() throws(StorageFault) -> Range<Int> {
        let byteCount = Int(try byte())
        guard byteCount <= bytes.byteCount - offset else { throw malformed("a name ends early") }
        defer { offset += byteCount }
        return offset..<(offset + byteCount)
    }

    /// A number that goes up by one now and then, from 1 on.
    mutating func count() throws(StorageFault) -> Int64 {
        let value = try integer(Int64.self)
        guard value > 0, value < Int64(Self.numberMax) else { throw malformed("a number is out of range") }
        return value
    }

    mutating func details() throws(StorageFault) -> StatusDetails {
        let count = Int(try byte())
        guard count <= FieldLimits.statusDetailsPairCountMax else { throw malformed("there are too many details") }
        let flat = try sizedBytes()
        // What later reads the pairs trusts their lengths.
        var position = 0
        for _ in 0..<(2 * count) {
            guard flat.byteCount - position >= 2 else { throw malformed("details end early") }
            // There are two bytes.
            position +=
                2 + Int(UInt16(littleEndian: flat.unsafeLoadUnaligned(fromByteOffset: position, as: UInt16.self)))
        }
        guard position == flat.byteCount else { throw malformed("details have another length") }
        // The array copies them during the call.
        return StatusDetails(stored: flat.withUnsafeBytes { Array($0) }, count: count)
    }

    mutating func key() throws(StorageFault) -> IdempotencyKey {
        IdempotencyKey(high: try integer(), low: try integer())
    }
}

extension JournalBuffer {
    mutating func append(flag: Bool) { append(flag ? UInt8(1) : UInt8(0)) }

    mutating func append(optional value: Int64?) {
        append(flag: value != nil)
        if let value { append(value) }
    }

    mutating func append(sized bytes: RawSpan) {
        append(UInt32(truncatingIfNeeded: bytes.byteCount))
        append(bytes)
    }

    mutating func append(sized text: String) {
        append(UInt32(truncatingIfNeeded: text.utf8.count))
        append(text)
    }

    mutating func append(optional text: String?) {
        append(flag: text != nil)
        if let text { append(sized: text) }
    }

    mutating func append(_ details: borrowing StatusDetails) {
        append(UInt8(truncatingIfNeeded: details.count))
        append(sized: details.flat.span.bytes)
    }

    /// A name has at most 128 bytes.
    mutating func append(name: RawSpan) {
        append(UInt8(truncatingIfNeeded: name.byteCount))
        append(name)
    }

    mutating func append(_ key: IdempotencyKey) {
        append(key.high)
        append(key.low)
    }
}
