import ErrandCore
import ErrandWire
import Testing

/// The messages of Protocol/vectors, each decoded as its receiver decodes it, compared field by field, and encoded
/// again. Control messages also go through the connection's state machine, which has to come to the same end.
@Suite(.timeLimit(.minutes(3)))
struct MessageVectorTests {
    @Test(arguments: VectorFile.ofKind("messages"))
    func validMessagesDecodeAndEncodeToTheSameBytes(_ file: VectorFile) {
        check(file.vectors("valid"), "valid") { vector in
            let difference = compare(vector)
            if difference != nil { return difference }
            guard let frame = Frame(vector.bytes),
                case .message(_, let encoded) = MessageExaminer(frame).examine()
            else { return "does not decode" }
            return encoded == vector.bytes ? nil : "encodes to \(hex(encoded)), not \(hex(vector.bytes))"
        }
    }

    @Test(arguments: VectorFile.ofKind("messages"))
    func degenerateMessagesDecode(_ file: VectorFile) {
        check(file.vectors("degenerate"), "degenerate", compare)
    }

    @Test(arguments: VectorFile.ofKind("messages"))
    func faultyMessagesGetExactlyTheirError(_ file: VectorFile) {
        check(file.vectors("decode_errors"), "decode_errors") { vector in
            guard let frame = Frame(vector.bytes) else { return "is no frame" }
            var examined = MessageExaminer(frame).examine()
            if frame.header.opcode < Opcode.firstCall {
                guard vector.json["closes_connection"]?.bool == true else { return "has to close the connection" }
                if case .message = examined, let fault = faultOfConnection(vector) { examined = .fault(fault) }
                if faultOfConnection(vector)?.description != vector.error {
                    return "the connection ends with \(faultOfConnection(vector)?.description ?? "nothing")"
                }
            }
            guard examined.errorName == vector.error else { return "gives \(examined.errorName), not \(vector.error)" }
            guard case .invalidField(let item) = examined else { return nil }
            return item == vector.json["item"]?.number ? nil : "the invalid item is \(String(describing: item))"
        }
    }

    /// CONFORMANCE §2.7; of long messages some cuts only.
    @Test(arguments: VectorFile.ofKind("messages"))
    func validMessagesCutShortAreMalformed(_ file: VectorFile) {
        check(file.vectors("valid"), "cut") { vector in
            guard let whole = Frame(vector.bytes) else { return "is no frame" }
            let count = whole.body.count
            let cuts = Array(0..<min(count, 400)) + Array(stride(from: 400, to: count, by: max(1, count / 97)))
            for cut in cuts {
                var short = whole
                short.body = Array(whole.body[..<cut])
                short.header.bodyByteCount = cut
                switch MessageExaminer(short).examine() {
                case .malformed, .fault(.controlMalformed): continue
                case let other: return "cut to \(cut) bytes gives \(other.errorName)"
                }
            }
            return nil
        }
    }

    /// CONFORMANCE §2.6, through the states of both sides.
    @Test(arguments: VectorFile.ofKind("messages"))
    func validMessagesMayComeTwiceInOneSegment(_ file: VectorFile) {
        check(file.vectors("valid"), "twice") { vector in
            guard var second = Frame(vector.bytes) else { return "is no frame" }
            let mayRepeat = ![Opcode.hello, .welcome, .connectionError].map(\.rawValue).contains(second.header.opcode)
            guard mayRepeat, second.header.requestId < .max else { return nil }
            // An id is a call's once, and a watch ends once.
            let endsOnce = second.header.opcode == Opcode.watchEnded.rawValue
            if endsOnce || second.header.opcode >= Opcode.firstCall { second.header.requestId += 1 }
            let copy = whole(second.header, second.body.span.bytes)
            let run = run(vector.isFromClient, followedBy: [vector.bytes + copy])
            guard run.fault == nil else { return "ends with \(run.fault?.description ?? "")" }
            return run.frames.suffix(2) == [vector.bytes, copy] ? nil : "other frames come out"
        }
    }

    private func compare(_ vector: Vector) -> String? {
        guard let frame = Frame(vector.bytes) else { return "is no frame" }
        let header = frame.header
        guard Opcode(rawValue: header.opcode)?.description == vector.json["opcode"]?.text else { return "other opcode" }
        guard header.flags.contains(.reply) == vector.json["reply"]?.bool else { return "other flag reply" }
        let examiner = MessageExaminer(frame)
        guard examiner.status.description == vector.json["status"]?.text else { return "other status" }
        guard String(header.requestId) == vector.json["requestId"]?.text else { return "other requestId" }
        guard case .message(let fields, _) = examiner.examine() else { return "gives \(examiner.examine().errorName)" }
        guard .object(fields) == expectedFields(vector) else {
            return "decodes to \(fields), not \(String(describing: vector.json["fields"]))"
        }
        if header.opcode < Opcode.firstCall, let fault = faultOfConnection(vector) {
            return "the connection ends with \(fault)"
        }
        return nil
    }

    /// The Swift values of an execution, of a failure's state, of a history's entry and of an event do not tell empty
    /// details from absent ones, which are the same (SPEC §8.1, §8.3, §8.7, §8.9); everywhere else the difference
    /// counts.
    private func expectedFields(_ vector: Vector) -> JSONValue? {
        guard var fields = vector.json["fields"]?.object else { return nil }
        let isExecutionOrFailure = fields["queuedAtMilliseconds"] != nil || fields["applied"] != nil
        if isExecutionOrFailure, fields["statusDetails"] == .array([]) { fields["statusDetails"] = nil }
        for name in ["entries", "events"] {
            guard let records = fields[name]?.array else { continue }
            fields[name] = .array(
                records.map { record in
                    guard var record = record.object else { return record }
                    if record["statusDetails"] == .array([]) { record["statusDetails"] = nil }
                    return .object(record)
                })
        }
        return .object(fields)
    }

    /// What ends a connection on which the vector's control message comes.
    private func faultOfConnection(_ vector: Vector) -> ConnectionFault? {
        guard let opcode = vector.json["opcode"]?.text else { return nil }
        let isFirst = opcode == "HELLO" || opcode == "WELCOME"
        return run(vector.isFromClient, followedBy: [vector.bytes], skippingOpening: isFirst).fault
    }

    private func run(
        _ isFromClient: Bool, followedBy payloads: [[UInt8]], skippingOpening: Bool = false
    ) -> (fault: ConnectionFault?, frames: [[UInt8]]) {
        var codec = SegmentCodec()
        let later = payloads.flatMap { segment($0) }
        if isFromClient {
            var tap = Tap(serverState())
            let bytes = (skippingOpening ? WireLimits.magic : opening()) + later
            return (feed([bytes[...]], to: &tap, codec: &codec), tap.frames)
        }
        var client = clientState()
        for payload in payloads {
            // One or two replies with ids that follow each other.
            guard let header = Frame(Array(payload.prefix(16 + Int(number(payload[0..<4], as: UInt32.self)))))?.header
            else { continue }
            if (Opcode.events.rawValue...Opcode.watchEnded.rawValue).contains(header.opcode) {
                // No call has id 0, and so no watch has.
                client.sink.watches.formUnion([header.requestId, header.requestId &+ 1].filter { $0 > 0 })
            }
            client.sink.inFlight[header.requestId] = header.opcode
            client.sink.inFlight[header.requestId &+ 1] = header.opcode
        }
        var tap = Tap(client)
        let welcome = skippingOpening ? [] : segment(control(Welcome(), .welcome))
        let bytes = WireLimits.magic + welcome + later
        return (feed([bytes[...]], to: &tap, codec: &codec), tap.frames)
    }
}
