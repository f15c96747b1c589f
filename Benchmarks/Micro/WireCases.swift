import ErrandCore
import ErrandWire

/// Bytes of real size: what S1's calls look like.
enum Sample {
    static func jobId() throws -> JobId { try JobId("bench-3735928559") }
    static func thingName(_ index: Int) throws -> ThingName { try ThingName("press-line-\(1_000_000 + index)") }

    static func details(_ percent: Int) throws -> StatusDetails {
        try StatusDetails([
            (key: "progress", value: "\(percent)/100"), (key: "step", value: "download: block 0042 of 0100"),
            (key: "firmware", value: "press-controller 7.4.1-rc2+build.5521"),
        ])
    }

    static func record() throws -> ExecutionRecord {
        var record = ExecutionRecord(executionNumber: 1, queuedAtMilliseconds: 1_790_000_000_000)
        record.status = .inProgress
        record.startedAtMilliseconds = 1_790_000_000_500
        record.versionNumber = 3
        record.statusDetails = try details(42)
        return record
    }

    static func encoder(compresses: Bool = false) -> SegmentEncoder {
        SegmentEncoder(
            agreement: SegmentAgreement(compression: compresses, checksums: false),
            segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
    }

    /// Bodies of frames, found with the header in front of them.
    static func appendReply(_ index: Int, _ record: ExecutionRecord, to encoder: inout SegmentEncoder) throws {
        encoder.beginFrame(
            Opcode.describeJobExecution.rawValue, flags: .reply, rootByteCount: JobExecutionBody.rootByteCount,
            requestId: UInt64(index + 1))
        JobExecutionBody.write(
            jobId: try jobId(), thingName: try thingName(index), record: record, approximateSecondsBeforeTimedOut: nil,
            jobDocument: nil, to: &encoder.body)
        guard encoder.endFrame() else { throw WrongResult("the reply fits no segment") }
    }
}

/// A segment of `frameCount` frames as it goes over the wire, without compression.
private func segment(_ frameCount: Int, _ append: (Int, inout SegmentEncoder) throws -> Void) throws -> [UInt8] {
    var encoder = Sample.encoder()
    for index in 0..<frameCount { try append(index, &encoder) }
    var output: [UInt8] = []
    encoder.seal(into: &output, with: Deflater())
    return output
}

/// The first frame of a segment: where its header is, and its body.
private func firstFrame(_ segment: [UInt8]) throws -> (header: FrameHeader, body: [UInt8]) {
    let start = SegmentHeader.byteCount
    let header = FrameHeader(segment.span.bytes, at: start)
    let bodyStart = start + FrameHeader.byteCount
    return (header, Array(segment[bodyStart..<bodyStart + header.bodyByteCount]))
}

let wireCases = [
    MicroCase(name: "decode-describe-request") {
        let request = DescribeJobExecutionRequest(jobId: try Sample.jobId(), thingName: try Sample.thingName(7))
        let (header, body) = try firstFrame(
            segment(1) { _, encoder in _ = encoder.appendCall(request, requestId: 1, timeoutMilliseconds: nil) })
        return { _ in
            guard let decoded = PlainDescribe(body.span.bytes, header),
                decoded.names.byteCount == request.jobId.bytes.byteCount + request.thingName.bytes.byteCount + 4
            else { throw WrongResult("another call") }
        }
    },
    MicroCase(name: "decode-execution") {
        let record = try Sample.record()
        let (header, body) = try firstFrame(segment(1) { try Sample.appendReply($0, record, to: &$1) })
        return { _ in
            let decoded = try JobExecution.read(body.span.bytes, header)
            guard decoded.versionNumber == 3 else { throw WrongResult("another version") }
        }
    },
    MicroCase(name: "encode-execution") {
        let record = try Sample.record()
        let deflater = DeflaterBox()
        var encoder = Sample.encoder()
        var output: [UInt8] = []
        var names = ByteWriter()
        names.appendName(try Sample.jobId())
        names.appendName(try Sample.thingName(7))
        let bothNames = names.bytes
        return { index in
            guard
                JobExecutionBody.appendReply(
                    requestId: UInt64(index + 1), names: bothNames.span.bytes, facts: record.facts,
                    approximateSecondsBeforeTimedOut: nil, details: record.statusDetails.flat.span.bytes,
                    detailsCount: record.statusDetails.count, to: &encoder)
            else { throw WrongResult("the reply fits no segment") }
            output.removeAll(keepingCapacity: true)
            encoder.seal(into: &output, with: deflater.deflater)
            guard output.count > 150 else { throw WrongResult("\(output.count) bytes are no reply") }
        }
    },
    MicroCase(name: "deflate-16-executions") {
        let record = try Sample.record()
        let raw = try segment(16) { try Sample.appendReply($0, record, to: &$1) }
        let deflater = DeflaterBox()
        var output: [UInt8] = []
        return { _ in
            output.removeAll(keepingCapacity: true)
            guard deflater.deflater.appendSmaller(raw.span.bytes, to: &output) else { throw WrongResult("not smaller") }
        }
    },
    MicroCase(name: "inflate-16-executions") {
        let record = try Sample.record()
        let raw = try segment(16) { try Sample.appendReply($0, record, to: &$1) }
        var payload: [UInt8] = [], output: [UInt8] = []
        guard Deflater().appendSmaller(raw.span.bytes, to: &payload) else { throw WrongResult("not smaller") }
        let inflater = InflaterBox()
        return { _ in
            try inflater.inflater.inflate(payload.span.bytes, rawByteCount: raw.count, into: &output)
            guard output.count >= raw.count else { throw WrongResult("too short") }
        }
    },
]

/// A closure cannot hold what cannot be copied.
final class DeflaterBox {
    let deflater = Deflater()
}

final class InflaterBox {
    let inflater = Inflater()
}
