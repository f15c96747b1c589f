package import ErrandCore

/// Appends values to a byte array in the notation of SPEC §2.
package struct ByteWriter: Sendable {
    package var bytes: [UInt8] = []

    package init() {}

    package mutating func withMutableBytes(_ body: (inout MutableRawSpan) -> Void) {
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        body(&raw)
    }

    package mutating func appendZeros(_ count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: count))
    }

    /// Appends a zeroed root block and lets `fill` store the fields at the offsets of SPEC's table.
    @inline(__always)
    package mutating func appendRoot(_ byteCount: Int, _ fill: (inout RootBlock) -> Void) {
        let start = bytes.count
        appendZeros(byteCount)
        var span = bytes.mutableSpan
        var root = RootBlock(span.mutableBytes, start: start)
        fill(&root)
    }

    /// Appends exactly `byteCount` bytes, which `fill` puts down one after the other; what it leaves out is zero.
    ///
    /// One step for a whole body: to grow the array field by field costs more than to write the fields.
    @inline(__always)
    package mutating func append(byteCount: Int, _ fill: (inout WritePlace) -> Void) {
        let start = bytes.count
        bytes.append(addingCapacity: byteCount) { $0.append(repeating: 0, count: byteCount) }
        var span = bytes.mutableSpan
        var place = WritePlace(span.mutableBytes, start: start)
        fill(&place)
    }

    package mutating func append(_ array: [UInt8]) { bytes.append(contentsOf: array) }

    package mutating func append(_ span: RawSpan) {
        // append(contentsOf:) copies the buffer before it returns.
        span.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func append<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func truncate(to count: Int) { bytes.removeSubrange(count...) }

    /// A `text16` or `bytes16`; callers have checked that the count fits.
    package mutating func appendText16(_ span: RawSpan) {
        append(UInt16(truncatingIfNeeded: span.byteCount))
        append(span)
    }

    package mutating func appendText16(_ text: String) {
        var text = text
        text.makeContiguousUTF8()
        appendText16(text.utf8Span.span.bytes)
    }

    package mutating func appendBytes16(_ array: [UInt8]) {
        append(UInt16(truncatingIfNeeded: array.count))
        append(array)
    }

    package mutating func appendText32(_ array: [UInt8]) {
        append(UInt32(truncatingIfNeeded: array.count))
        append(array)
    }

    package mutating func appendText32(_ text: String) {
        append(UInt32(truncatingIfNeeded: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    package mutating func appendName(_ jobId: JobId) { appendText16(jobId.bytes) }
    package mutating func appendName(_ thingName: ThingName) { appendText16(thingName.bytes) }

    package mutating func appendDetails(_ details: StatusDetails?) {
        append(UInt16(truncatingIfNeeded: details?.count ?? 0))
        if let details { append(details.flat) }
    }

    package mutating func appendNames(_ names: [ThingName]) {
        append(UInt32(truncatingIfNeeded: names.count))
        for name in names { appendName(name) }
    }

    /// At most 512 bytes of `message`, cut between characters, without control characters.
    package mutating func appendMessage(_ message: String) {
        var text = ""
        for scalar in message.unicodeScalars {
            let safe = scalar.value < 0x20 || scalar.value == 0x7F ? "?" : Character(scalar)
            if text.utf8.count + String(safe).utf8.count > WireLimits.messageByteCountMax { break }
            text.append(safe)
        }
        appendText16(text)
    }
}

/// Where the next field of a body of known length goes.
package struct WritePlace: ~Copyable, ~Escapable {
    private var bytes: MutableRawSpan
    private var offset: Int

    @inline(__always)
    @_lifetime(copy bytes)
    init(_ bytes: consuming MutableRawSpan, start: Int) {
        self.bytes = bytes
        offset = start
    }

    @inline(__always)
    package mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        bytes.storeLittleEndian(value, at: offset)
        offset += MemoryLayout<T>.size
    }

    @inline(__always)
    package mutating func put(_ source: RawSpan) {
        let end = offset + source.byteCount
        precondition(end <= bytes.byteCount, "the body is longer than was said")
        // In the buffer, as just checked; the source is borrowed memory, never the buffer itself.
        bytes.withUnsafeMutableBytes { target in
            source.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: $0)
            }
        }
        offset = end
    }

    @inline(__always)
    mutating func put(_ header: FrameHeader) {
        header.write(into: &bytes, at: offset)
        offset += FrameHeader.byteCount
    }

    /// A `text16`.
    @inline(__always)
    package mutating func putText16(_ source: RawSpan) {
        put(UInt16(truncatingIfNeeded: source.byteCount))
        put(source)
    }
}

/// A root block being filled in; offsets are those of SPEC's tables.
package struct RootBlock: ~Copyable, ~Escapable {
    private var bytes: MutableRawSpan
    private let start: Int

    @inline(__always)
    @_lifetime(copy bytes)
    init(_ bytes: consuming MutableRawSpan, start: Int) {
        self.bytes = bytes
        self.start = start
    }

    @inline(__always)
    package mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        bytes.storeLittleEndian(value, at: start + offset)
    }

    /// Stores 0 for a field that is absent (`NOT-1`).
    @inline(__always)
    package mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T?, at offset: Int) {
        bytes.storeLittleEndian(value ?? 0, at: start + offset)
    }

    @inline(__always)
    package mutating func store(_ value: Bool, at offset: Int) {
        bytes.storeLittleEndian(value ? UInt8(1) : 0, at: start + offset)
    }
}

/// One bit of a presence bitmap: `presence(1, when: number != nil) | presence(2, when: …)`.
@inline(__always)
package func presence(_ bit: UInt32, when isPresent: Bool) -> UInt32 {
    isPresent ? 1 << bit : 0
}
