package import ErrandCore

/// Collects frames into segments: frames are appended as calls and replies arise, and `seal` makes
/// them ready to send (SPEC §4).
package struct SegmentEncoder: Sendable {
    /// What holds for the frames from now on; a change ends the open segment.
    package var agreement: SegmentAgreement {
        willSet { if newValue != agreement { endSegment() } }
    }
    /// The receiver's limit: no segment and so no frame may be larger.
    package var segmentByteCountMax: Int
    /// What the sender's window has room for.
    package var frameByteCountMax = Int.max
    /// Of the frame that `endFrame` ended or dropped last.
    package private(set) var lastFrameByteCount = 0
    /// Compress where the agreement allows it.
    package var compresses: Bool = true

    /// Room for each header, then the raw frames, one segment after the other.
    private var writer = ByteWriter()
    private var openStart: Int?
    private var ended: [EndedSegment] = []
    private var frameStart = 0
    /// Goes out before the first segment: the magic.
    private var preamble: [UInt8] = []
    /// A segment that takes no more frames: where it begins, and how it goes out.
    private struct EndedSegment {
        var start: Int
        var agreement: SegmentAgreement
    }

    /// Raw bytes sealed so far, headers included: what would have been sent without compression.
    package private(set) var rawByteCount: UInt64 = 0

    package init(agreement: SegmentAgreement, segmentByteCountMax: Int) {
        self.agreement = agreement
        self.segmentByteCountMax = segmentByteCountMax
    }

    /// Whether nothing waits to be sealed.
    package var isEmpty: Bool { writer.bytes.isEmpty && preamble.isEmpty }

    package var byteCount: Int { writer.bytes.count }

    /// Takes an empty array with memory, unless the encoder has some already.
    package mutating func adopt(_ buffer: consuming [UInt8]) {
        if writer.bytes.capacity == 0 { writer.bytes = buffer }
    }

    package var needsBuffer: Bool { writer.bytes.capacity == 0 }

    /// Sends the 8 bytes of magic before everything else (SPEC §3 `CON-1`).
    package mutating func appendMagic() { preamble = WireLimits.magic }

    /// Begins a frame; write its body with `body`, then call `endFrame`.
    package mutating func beginFrame(
        _ opcode: UInt8, flags: FrameFlags = [], status: StatusCode = .ok, rootByteCount: Int, requestId: UInt64
    ) {
        if let openStart, writer.bytes.count - openStart >= WireLimits.segmentByteCountTarget { endSegment() }
        openSegmentIfNeeded()
        frameStart = writer.bytes.count
        let header = FrameHeader(
            bodyByteCount: 0, opcode: opcode, flags: flags, status: status.rawValue,
            rootWordCount: UInt8(rootByteCount / 8), requestId: requestId)
        writer.appendZeros(FrameHeader.byteCount)
        writer.withMutableBytes { [frameStart] bytes in header.write(into: &bytes, at: frameStart) }
    }

    /// Ends the frame. False if it is larger than the receiver, or the sender's `frameByteCountMax`, takes: then it
    /// is gone as if it had never begun.
    package mutating func endFrame() -> Bool {
        let frameByteCount = writer.bytes.count - frameStart
        lastFrameByteCount = frameByteCount
        guard frameByteCount <= min(segmentByteCountMax, frameByteCountMax) else {
            writer.truncate(to: frameStart)
            dropEmptySegment()
            return false
        }
        let bodyByteCount = UInt32(frameByteCount - FrameHeader.byteCount)
        writer.withMutableBytes { [frameStart] bytes in bytes.storeLittleEndian(bodyByteCount, at: frameStart) }
        if let openStart, writer.bytes.count - openStart - SegmentHeader.byteCount > segmentByteCountMax {
            moveLastFrameToNewSegment()
        }
        return true
    }

    /// Appends a frame whose body has exactly `bodyByteCount` bytes, in one step. False, and nothing appended, if it is
    /// larger than the receiver, or the sender's `frameByteCountMax`, takes.
    @inline(__always)
    package mutating func appendFrame(
        _ opcode: UInt8, flags: FrameFlags, rootByteCount: Int, requestId: UInt64, bodyByteCount: Int,
        _ fill: (inout WritePlace) -> Void
    ) -> Bool {
        let frameByteCount = FrameHeader.byteCount + bodyByteCount
        guard makeRoom(frameByteCount: frameByteCount) else { return false }
        writer.append(byteCount: frameByteCount) { place in
            place.put(
                FrameHeader(
                    bodyByteCount: bodyByteCount, opcode: opcode, flags: flags, status: 0,
                    rootWordCount: UInt8(rootByteCount / 8), requestId: requestId))
            fill(&place)
        }
        return true
    }

    /// Sees to it that the open segment takes a frame of that size.
    private mutating func makeRoom(frameByteCount: Int) -> Bool {
        lastFrameByteCount = frameByteCount
        guard frameByteCount <= min(segmentByteCountMax, frameByteCountMax) else { return false }
        if let openStart {
            let byteCount = writer.bytes.count - openStart
            if byteCount >= WireLimits.segmentByteCountTarget
                || byteCount - SegmentHeader.byteCount + frameByteCount > segmentByteCountMax
            {
                endSegment()
            }
        }
        openSegmentIfNeeded()
        return true
    }

    /// The body of the frame that was begun.
    package var body: ByteWriter {
        _read { yield writer }
        _modify { yield &writer }
    }

    /// Bytes of the open frame so far, header included.
    package var openFrameByteCount: Int { writer.bytes.count - frameStart }

    /// Where the open frame's body begins in `body`.
    package var openFrameBodyStart: Int { frameStart + FrameHeader.byteCount }

    private mutating func openSegmentIfNeeded() {
        guard openStart == nil else { return }
        openStart = writer.bytes.count
        writer.appendZeros(SegmentHeader.byteCount)
    }

    /// Frames from now on go into another segment: WELCOME stands alone in its own (SPEC §3 `CON-2`).
    package mutating func endSegment() {
        guard let openStart else { return }
        self.openStart = nil
        ended.append(EndedSegment(start: openStart, agreement: agreement))
    }

    /// After its only frame was dropped.
    private mutating func dropEmptySegment() {
        guard let openStart, writer.bytes.count == openStart + SegmentHeader.byteCount else { return }
        writer.truncate(to: openStart)
        self.openStart = nil
    }

    private mutating func moveLastFrameToNewSegment() {
        let frame = Array(writer.bytes[frameStart...])
        writer.truncate(to: frameStart)
        endSegment()
        openSegmentIfNeeded()
        frameStart = writer.bytes.count
        writer.append(frame)
    }

    /// Moves all that waits into `output` as finished segments.
    package mutating func seal(into output: inout [UInt8], with deflater: borrowing Deflater) {
        output.append(contentsOf: preamble)
        preamble = []
        endSegment()
        guard !ended.isEmpty else { return }
        rawByteCount += UInt64(writer.bytes.count)
        let end = writer.bytes.count
        if output.isEmpty && !(compresses && ended.contains(where: { $0.agreement.compression })) {
            patchStoredHeaders(end: end)
            // The frames already stand where they have to: swap instead of copying.
            swap(&output, &writer.bytes)
        } else {
            for index in ended.indices {
                let segmentEnd = index + 1 < ended.count ? ended[index + 1].start : end
                appendSegment(ended[index].start..<segmentEnd, ended[index].agreement, to: &output, with: deflater)
            }
            // Beside deflating an allocation is nothing, and an idle connection should own no buffer.
            writer.bytes = []
        }
        writer.bytes.removeAll(keepingCapacity: true)
        ended.removeAll(keepingCapacity: true)
    }

    private mutating func patchStoredHeaders(end: Int) {
        for index in ended.indices {
            let start = ended[index].start
            let segmentEnd = index + 1 < ended.count ? ended[index + 1].start : end
            let payload = (start + SegmentHeader.byteCount)..<segmentEnd
            let checksum =
                ended[index].agreement.checksums ? CRC32.checksum(writer.bytes.span.bytes.extracting(payload)) : nil
            let header = SegmentHeader(
                payloadByteCount: payload.count, rawByteCount: payload.count, isCompressed: false, checksum: checksum)
            writer.withMutableBytes { bytes in header.write(into: &bytes, at: start) }
        }
    }

    private func appendSegment(
        _ range: Range<Int>, _ agreement: SegmentAgreement, to output: inout [UInt8],
        with deflater: borrowing Deflater
    ) {
        let raw = writer.bytes.span.bytes.extracting(range).extracting(droppingFirst: SegmentHeader.byteCount)
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: SegmentHeader.byteCount))
        let isCompressed =
            compresses && agreement.compression && raw.byteCount >= WireLimits.compressionByteCountMin
            && deflater.appendSmaller(raw, to: &output)
        if !isCompressed { raw.withUnsafeBytes { output.append(contentsOf: $0) } }
        let payload = (start + SegmentHeader.byteCount)..<output.count
        let checksum = agreement.checksums ? CRC32.checksum(output.span.bytes.extracting(payload)) : nil
        let header = SegmentHeader(
            payloadByteCount: payload.count, rawByteCount: raw.byteCount, isCompressed: isCompressed,
            checksum: checksum)
        var span = output.mutableSpan
        var bytes = span.mutableBytes
        header.write(into: &bytes, at: start)
    }
}
