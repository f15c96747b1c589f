import ErrandWire
import Testing

/// The segments of Protocol/vectors, read whole, byte by byte, in two parts and twice in a row.
@Suite(.timeLimit(.minutes(3)))
struct SegmentVectorTests {
    @Test(arguments: ["valid", "degenerate"])
    func segmentsGiveTheirFramesHoweverTheyAreCut(_ group: String) {
        var codec = SegmentCodec()
        for file in VectorFile.ofKind("segments") {
            check(file.vectors(group), group) { vector in
                let bytes = vector.bytes
                let frames = vector.frames
                guard let zlib = vector.json["zlib"]?.bool, let checksum = vector.json["checksum"]?.bool else {
                    return "lacks what was agreed"
                }
                let agreement = SegmentAgreement(compression: zlib, checksums: checksum)
                for parts in waysToCut(bytes) + [[bytes[...], bytes[...]]] {
                    let isDoubled = parts.count == 2 && parts[0].count == bytes.count
                    var receiver = PlainReceiver(agreement: agreement)
                    var early = false
                    var stream = startedStream(&receiver, &codec)
                    for (index, part) in parts.enumerated() {
                        do throws(ConnectionFault) {
                            try stream.receive(part.span.bytes, codec: &codec, for: &receiver)
                        } catch {
                            return "ends with \(error)"
                        }
                        early = early || (!isDoubled && index < parts.count - 1 && !receiver.frames.isEmpty)
                    }
                    if early { return "frames come before the last byte" }
                    if receiver.frames != (isDoubled ? frames + frames : frames) {
                        return "other frames in \(parts.count) parts"
                    }
                    if stream.isInsideSegment || stream.pendingByteCount != 0 { return "bytes are left" }
                }
                return nil
            }
        }
    }

    @Test func faultySegmentsGetExactlyTheirErrorAndNothingAfterIsRead() {
        var codec = SegmentCodec()
        let later = segment(healthCall(1))
        for file in VectorFile.ofKind("segments") {
            check(file.vectors("decode_errors"), "decode_errors") { vector in
                let bytes = vector.bytes
                guard let zlib = vector.json["agreed"]?["zlib"]?.bool,
                    let checksums = vector.json["agreed"]?["checksums"]?.bool,
                    let byteCountMax = vector.json["segmentByteCountMax"]?.number
                else { return "lacks what was agreed" }
                for parts in waysToCut(bytes) {
                    var receiver = PlainReceiver(
                        agreement: SegmentAgreement(compression: zlib, checksums: checksums))
                    receiver.inboundSegmentByteCountMax = byteCountMax
                    var stream = startedStream(&receiver, &codec)
                    var found: ConnectionFault?
                    for part in parts where found == nil {
                        do throws(ConnectionFault) {
                            try stream.receive(part.span.bytes, codec: &codec, for: &receiver)
                        } catch {
                            found = error
                        }
                    }
                    if found?.description != vector.error { return "gives \(String(describing: found))" }
                    if !receiver.frames.isEmpty { return "frames come out" }
                    try? stream.receive(later.span.bytes, codec: &codec, for: &receiver)
                    if !receiver.frames.isEmpty || stream.pendingByteCount != 0 { return "goes on after the fault" }
                }
                return nil
            }
        }
        #expect(codec.inflated.count <= WireLimits.segmentByteCountMax)
    }

    private func startedStream(_ receiver: inout PlainReceiver, _ codec: inout SegmentCodec) -> FrameStream {
        var stream = FrameStream()
        let magic = WireLimits.magic
        try? stream.receive(magic.span.bytes, codec: &codec, for: &receiver)
        return stream
    }
}
