package import ErrandCore

/// Reads one message's body: root block, variable fields, records, tail (SPEC §2).
///
/// Form is checked as the reader goes and throws at once. Values outside their limits are noted, and
/// thrown by `finish` only when the whole form is right: so a malformed message is always told from an invalid one.
package struct MessageReader: ~Escapable {
    private let body: RawSpan
    private let rootByteCount: Int
    private let hasTail: Bool
    private var offset: Int
    package private(set) var presence: UInt32 = 0
    private var invalid: InvalidField?

    /// - Parameter rootByteCount: the root block of version 1; a longer one is accepted.
    @_lifetime(copy body)
    package init(
        _ body: RawSpan, rootWordCount: UInt8, hasTail: Bool, rootByteCount: Int
    ) throws(MessageFault) {
        self.body = body
        self.rootByteCount = Int(rootWordCount) * 8
        self.hasTail = hasTail
        offset = self.rootByteCount
        guard self.rootByteCount <= body.byteCount else { throw .malformed("the root block is longer than the body") }
        guard self.rootByteCount >= rootByteCount else {
            throw .malformed("the root block has \(self.rootByteCount) bytes, version 1 has \(rootByteCount)")
        }
    }

    /// Takes the presence bits and refuses those that must be understood and are not (`NOT-2`).
    package mutating func takePresence(known: UInt32) throws(MessageFault) {
        presence = root(0, as: UInt32.self)
        guard presence & 0xFFFF & ~known == 0 else {
            throw .malformed("unknown presence bits \(String(presence & 0xFFFF & ~known, radix: 2))")
        }
    }

    @inline(__always)
    package func isPresent(_ bit: Int) -> Bool { presence & (1 << UInt32(bit)) != 0 }

    /// A number of the root block; its offset is inside version 1's block.
    @inline(__always)
    package func root<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
        body.loadLittleEndian(at: offset, as: type)
    }

    /// A number that counts only if its presence bit is set.
    @inline(__always)
    package func optional<T: FixedWidthInteger & BitwiseCopyable>(
        _ offset: Int, bit: Int, as type: T.Type
    ) -> T? {
        isPresent(bit) ? root(offset, as: type) : nil
    }

    package func bool(_ offset: Int, _ field: StaticString) throws(MessageFault) -> Bool {
        switch root(offset, as: UInt8.self) {
        case 0: return false
        case 1: return true
        case let other: throw .malformed("\(field) is \(other), a bool is 0 or 1")
        }
    }

    /// Refuses reserved bytes that are not zero.
    package func requireZero(_ range: Range<Int>) throws(MessageFault) {
        for offset in range where root(offset, as: UInt8.self) != 0 {
            throw .malformed("the reserved byte \(offset) is not 0")
        }
    }

    package func executionStatus(_ offset: Int) throws(MessageFault) -> JobExecutionStatus {
        let value = root(offset, as: UInt8.self)
        guard let status = JobExecutionStatus(rawValue: value) else {
            throw .malformed("no status has number \(value)")
        }
        return status
    }

    // MARK: Variable fields

    mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(MessageFault) -> T {
        guard body.byteCount - offset >= MemoryLayout<T>.size else { throw .malformed("truncated at byte \(offset)") }
        defer { offset += MemoryLayout<T>.size }
        return body.loadLittleEndian(at: offset, as: type)
    }

    @_lifetime(copy self)
    mutating func takeBytes(_ count: Int) throws(MessageFault) -> RawSpan {
        guard body.byteCount - offset >= count else { throw .malformed("truncated at byte \(offset)") }
        let start = offset
        offset += count
        return body.extracting(start..<offset)
    }

    @_lifetime(copy self)
    package mutating func text16() throws(MessageFault) -> RawSpan {
        try takeBytes(Int(try take(UInt16.self)))
    }

    package mutating func note(_ field: InvalidField) {
        if invalid == nil { invalid = field }
    }

    package mutating func jobId() throws(MessageFault) -> JobId {
        let bytes = try text16()
        do throws(InvalidField) { return try JobId(bytes: bytes) } catch { note(error) }
        return JobId()
    }

    package mutating func thingName() throws(MessageFault) -> ThingName {
        let bytes = try text16()
        do throws(InvalidField) { return try ThingName(bytes: bytes) } catch { note(error) }
        return ThingName()
    }

    /// A job id of a reply, which a newer server may make of other characters.
    package mutating func receivedJobId() throws(MessageFault) -> JobId {
        let bytes = try text16()
        if PrintableText.isUTF8(bytes), let jobId = JobId(received: bytes) { return jobId }
        do throws(InvalidField) { try JobId.check(bytes) } catch { note(error) }
        return JobId()
    }

    /// A thing's name of a reply, which a newer server may make of other characters.
    package mutating func receivedThingName() throws(MessageFault) -> ThingName {
        let bytes = try text16()
        if PrintableText.isUTF8(bytes), let thingName = ThingName(received: bytes) { return thingName }
        do throws(InvalidField) { try ThingName.check(bytes) } catch { note(error) }
        return ThingName()
    }

    /// A text that only has to be UTF-8.
    package mutating func string16(_ field: String, byteCountMax: Int = .max) throws(MessageFault) -> String {
        string(try text16(), field, byteCountMax)
    }

    /// A text for people: its limit belongs to the message's form, so no peer can make a log of us (SPEC §8.3).
    package mutating func message() throws(MessageFault) -> String {
        let bytes = try text16()
        guard bytes.byteCount <= WireLimits.messageByteCountMax else {
            throw .malformed("message has \(bytes.byteCount) bytes, the limit is \(WireLimits.messageByteCountMax)")
        }
        return string(bytes, "message", .max)
    }

    package mutating func string32(_ field: String, byteCountMax: Int = .max) throws(MessageFault) -> String {
        string(try takeBytes(Int(try take(UInt32.self))), field, byteCountMax)
    }

    package mutating func optionalString16(_ field: String, bit: Int) throws(MessageFault) -> String? {
        let text = try string16(field)
        return try whenPresent(bit, field, isEmpty: text.isEmpty) ? text : nil
    }

    package mutating func optionalString32(_ field: String, bit: Int) throws(MessageFault) -> String? {
        let text = try string32(field)
        return try whenPresent(bit, field, isEmpty: text.isEmpty) ? text : nil
    }

    package mutating func optionalBytes16(
        _ field: String, bit: Int, byteCountMax: Int = .max
    ) throws(MessageFault) -> [UInt8]? {
        let bytes = try text16()
        guard try whenPresent(bit, field, isEmpty: bytes.isEmpty) else { return nil }
        guard bytes.byteCount <= byteCountMax else {
            note(InvalidField(field, "has \(bytes.byteCount) bytes, the limit is \(byteCountMax)"))
            return []
        }
        return bytes.withUnsafeBytes { Array($0) }
    }

    private mutating func details(isReceived: Bool) throws(MessageFault) -> StatusDetails {
        let count = Int(try take(UInt16.self))
        let start = offset
        for _ in 0..<count {
            _ = try text16()
            _ = try text16()
        }
        guard count > 0 else { return StatusDetails() }
        // The only allocation of a decoded report: the details are stored as they came.
        let flat = body.extracting(start..<offset).withUnsafeBytes { Array($0) }
        do throws(InvalidField) {
            return isReceived
                ? try StatusDetails(received: flat, count: count) : try StatusDetails(checking: flat, count: count)
        } catch {
            note(error)
            return StatusDetails()
        }
    }

    /// - Parameter isReceived: they stand in a reply, so SPEC §12's limits do not bind them.
    package mutating func optionalDetails(bit: Int, isReceived: Bool = false) throws(MessageFault) -> StatusDetails? {
        let start = offset
        let details = try details(isReceived: isReceived)
        let isEmpty = offset == start + 2
        return try whenPresent(bit, "statusDetails", isEmpty: isEmpty) ? details : nil
    }

    package mutating func names() throws(MessageFault) -> [ThingName] {
        let count = Int(try take(UInt32.self))
        // Each name takes at least its two bytes of count, so a lying count cannot reserve more than was sent.
        guard count <= (body.byteCount - offset) / 2 else { throw .malformed("\(count) names do not fit") }
        var names: [ThingName] = []
        names.reserveCapacity(count)
        for _ in 0..<count { names.append(try thingName()) }
        return names
    }

    package struct RecordHeader {
        package var bodyByteCount: Int
        package var status: UInt8
        package var hasTail: Bool
        package var rootWordCount: UInt8
    }

    /// Reads a record's header (SPEC §8.4); `takeRecordBody` has to follow.
    package mutating func recordHeader() throws(MessageFault) -> RecordHeader {
        let bodyByteCount = Int(try take(UInt32.self))
        let status = try take(UInt8.self)
        let flags = FrameFlags(rawValue: try take(UInt8.self))
        let rootWordCount = try take(UInt8.self)
        guard try take(UInt8.self) == 0, flags.isSubset(of: .tail) else {
            throw .malformed("a reserved part of a record is not 0")
        }
        return RecordHeader(
            bodyByteCount: bodyByteCount, status: status, hasTail: flags.contains(.tail), rootWordCount: rootWordCount)
    }

    @_lifetime(copy self)
    package mutating func takeRecordBody(_ header: RecordHeader, rootByteCount: Int) throws(MessageFault)
        -> MessageReader
    {
        let body = try takeBytes(header.bodyByteCount)
        return try MessageReader(
            body, rootWordCount: header.rootWordCount, hasTail: header.hasTail, rootByteCount: rootByteCount)
    }

    /// Checks the end: only a tail may follow, and only tags that may be ignored (`NOT-4`, `NOT-5`).
    package mutating func finish() throws(MessageFault) {
        if hasTail {
            while offset < body.byteCount {
                let tag = try take(UInt16.self)
                _ = try text16()
                guard tag >= 0x8000 else { throw .malformed("unknown tail tag \(tag)") }
            }
        }
        guard offset == body.byteCount else { throw .malformed("\(body.byteCount - offset) trailing bytes") }
        if let invalid { throw .invalidField(invalid) }
    }

    func whenPresent(_ bit: Int, _ field: String, isEmpty: Bool) throws(MessageFault) -> Bool {
        if isPresent(bit) { return true }
        guard isEmpty else { throw .malformed("\(field) has bytes but its presence bit is not set") }
        return false
    }

    private mutating func string(_ bytes: RawSpan, _ field: String, _ byteCountMax: Int) -> String {
        if bytes.isEmpty { return "" }
        guard bytes.byteCount <= byteCountMax else {
            note(InvalidField(field, "has \(bytes.byteCount) bytes, the limit is \(byteCountMax)"))
            return "?"
        }
        if let text = PrintableText.validatedString(bytes) { return text }
        note(InvalidField(field, "is not valid UTF-8"))
        return "?"
    }
}
