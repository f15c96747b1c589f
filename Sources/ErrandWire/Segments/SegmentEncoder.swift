package import ErrandCore

/// Collects frames into segments: frames are appended as calls and replies arise, and `seal` makes
/// them ready to send (SPEC §4).
package struct SegmentEncoder: Sendable {
    package var agreement: SegmentAgreement
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
    private var sealedStarts: [Int] = []
    private var frameStart = 0
    /// Goes out before the first segment: the magic.
    private var preamble: [UInt8] = []
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
        if let openStart, writer.bytes.count - openStart >= WireLimits.segmentByteCountTarget { closeSegment() }
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
            return false
        }
        let bodyByteCount = UInt32(frameByteCount - FrameHeader.byteCount)
        writer.withMutableBytes { [frameStart] bytes in bytes.storeLittleEndian(bodyByteCount, at: frameStart) }
        if let openStart, writer.bytes.count - openStart - SegmentHeader.byteCount > segmentByteCountMax {
            moveLastFrameToNewSegment()
        }
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

    private mutating func closeSegment() {
        guard let openStart else { return }
        self.openStart = nil
        if writer.bytes.count == openStart + SegmentHeader.byteCount {
            // Its only frame was dropped.
            writer.truncate(to: openStart)
        } else {
            sealedStarts.append(openStart)
        }
    }

    private mutating func moveLastFrameToNewSegment() {
        let frame = Array(writer.bytes[frameStart...])
        writer.truncate(to: frameStart)
        closeSegment()
        openSegmentIfNeeded()
        frameStart = writer.bytes.count
        writer.append(frame)
    }

    /// Moves all that waits into `output` as finished segments.
    package mutating func seal(into output: inout [UInt8], with deflater: borrowing Deflater) {
        output.append(contentsOf: preamble)
        preamble = []
        closeSegment()
        guard !sealedStarts.isEmpty else { return }
        rawByteCount += UInt64(writer.bytes.count)
        let end = writer.bytes.count
        let mayCompress = agreement.compression && compresses
        if output.isEmpty && !mayCompress {
            patchStoredHeaders(end: end)
            // The frames already stand where they have to: swap instead of copying.
            swap(&output, &writer.bytes)
        } else {
            for index in sealedStarts.indices {
                let segmentEnd = index + 1 < sealedStarts.count ? sealedStarts[index + 1] : end
                appendSegment(sealedStarts[index]..<segmentEnd, to: &output, with: deflater, mayCompress: mayCompress)
            }
        }
        writer.bytes.removeAll(keepingCapacity: true)
        sealedStarts.removeAll(keepingCapacity: true)
    }

    private mutating func patchStoredHeaders(end: Int) {
        for index in sealedStarts.indices {
            let start = sealedStarts[index]
            let segmentEnd = index + 1 < sealedStarts.count ? sealedStarts[index + 1] : end
            let payload = (start + SegmentHeader.byteCount)..<segmentEnd
            let checksum = agreement.checksums ? CRC32.checksum(writer.bytes.span.bytes.extracting(payload)) : nil
            let header = SegmentHeader(
                payloadByteCount: payload.count, rawByteCount: payload.count, isCompressed: false, checksum: checksum)
            writer.withMutableBytes { bytes in header.write(into: &bytes, at: start) }
        }
    }

    private func appendSegment(
        _ range: Range<Int>, to output: inout [UInt8], with deflater: borrowing Deflater, mayCompress: Bool
    ) {
        let raw = writer.bytes.span.bytes.extracting(range).extracting(droppingFirst: SegmentHeader.byteCount)
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: SegmentHeader.byteCount))
        let isCompressed =
            mayCompress && raw.byteCount >= WireLimits.compressionByteCountMin
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
