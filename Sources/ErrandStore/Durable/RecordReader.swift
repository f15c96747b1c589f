import ErrandCore

/// Where a record or a row is, for a fault: a text is made of it only when there is one.
enum RecordPlace: CustomStringConvertible {
    case sequence(UInt64)
    case row(StaticString, Int64)
    case cell(StaticString, Int64, Int64)
    case fact(String)

    var description: String {
        switch self {
        case .sequence(let sequence): "journal, sequence \(sequence)"
        case .row(let table, let row): "\(table), row \(row)"
        case .cell(let table, let row, let column): "\(table), row \(row), \(column)"
        case .fact(let name): "facts, row \(name)"
        }
    }
}

/// Reads what a `JournalBuffer` wrote. The bytes come from a file: whatever they are, reading ends with a value or a fault.
struct RecordReader {
    private let bytes: [UInt8]
    private(set) var offset: Int
    private let start: Int
    private let end: Int
    private let place: RecordPlace

    /// Reads a part of `bytes`, which many readers can share.
    init(_ bytes: [UInt8], in range: Range<Int>, place: RecordPlace) {
        self.bytes = bytes
        self.place = place
        offset = range.lowerBound
        start = range.lowerBound
        end = range.upperBound
    }

    init(_ span: RawSpan, place: RecordPlace) {
        // The array copies them during the call.
        let bytes = span.withUnsafeBytes { Array($0) }
        self.init(bytes, in: bytes.indices, place: place)
    }

    /// Beyond what any store counts to, and far from where arithmetic overflows. Times are within it too, both ways.
    static let numberMax: UInt64 = 1 << 62

    var isAtEnd: Bool { offset >= end }

    func malformed(_ what: String) -> StorageFault {
        .damaged("\(what) at byte \(offset - start)", at: "\(place)")
    }

    mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ type: Integer.Type = Integer.self
    ) throws(StorageFault) -> Integer {
        let byteCount = Integer.bitWidth / 8
        guard end - offset >= byteCount else { throw malformed("the record ends early") }
        // Any bytes are an integer, and there are as many as it has.
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Integer.self) }
        offset += byteCount
        return Integer(littleEndian: value)
    }

    mutating func byte() throws(StorageFault) -> UInt8 { try integer(UInt8.self) }

    mutating func flag() throws(StorageFault) -> Bool { try byte() != 0 }

    mutating func optional() throws(StorageFault) -> Int64? {
        try flag() ? try integer(Int64.self) : nil
    }

    /// Bytes under their length.
    mutating func byteArray() throws(StorageFault) -> [UInt8] {
        let byteCount = Int(try integer(UInt32.self))
        guard byteCount <= end - offset else { throw malformed("bytes end early") }
        defer { offset += byteCount }
        return Array(bytes[offset..<(offset + byteCount)])
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
        guard let name = ThingName(received: bytes.span.bytes.extracting(range)) else {
            throw malformed("a name is too long")
        }
        return name
    }

    mutating func jobId() throws(StorageFault) -> JobId {
        let range = try nameRange()
        guard let id = JobId(received: bytes.span.bytes.extracting(range)) else { throw malformed("an id is too long") }
        return id
    }

    private mutating func nameRange() throws(StorageFault) -> Range<Int> {
        let byteCount = Int(try byte())
        guard byteCount <= end - offset else { throw malformed("a name ends early") }
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
        let flat = try byteArray()
        // What later reads the pairs trusts their lengths.
        var position = 0
        for _ in 0..<(2 * count) {
            guard flat.count - position >= 2 else { throw malformed("details end early") }
            position += 2 + Int(flat[position]) + Int(flat[position + 1]) << 8
        }
        guard position == flat.count else { throw malformed("details have another length") }
        return StatusDetails(stored: flat, count: count)
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
