import ErrandWire
import Testing

/// The streams of Protocol/vectors through the states of a real connection: whole, byte by byte, at every point.
@Suite(.timeLimit(.minutes(3)))
struct StreamVectorTests {
    @Test func validStreamsGiveTheirFrames() {
        var codec = SegmentCodec()
        for file in VectorFile.ofKind("streams") {
            check(file.vectors("valid"), "valid") { vector in
                let frames = vector.frames
                for parts in waysToCut(vector.bytes) {
                    let run = run(vector, parts, &codec)
                    if let fault = run.fault { return "ends with \(fault) in \(parts.count) parts" }
                    if run.frames != frames { return "other frames in \(parts.count) parts" }
                }
                return nil
            }
        }
    }

    @Test func faultyStreamsGetExactlyTheirError() {
        var codec = SegmentCodec()
        for file in VectorFile.ofKind("streams") {
            check(file.vectors("decode_errors"), "decode_errors") { vector in
                for parts in waysToCut(vector.bytes) {
                    let fault = run(vector, parts, &codec).fault
                    if fault?.description != vector.error {
                        return "gives \(String(describing: fault)), not \(vector.error), in \(parts.count) parts"
                    }
                }
                return nil
            }
        }
    }

    private func run(
        _ vector: Vector, _ parts: [ArraySlice<UInt8>], _ codec: inout SegmentCodec
    ) -> (fault: ConnectionFault?, frames: [[UInt8]]) {
        guard let agreed = vector.json["agreed"], let zlib = agreed["zlib"]?.bool,
            let checksums = agreed["checksums"]?.bool, let byteCountMax = agreed["segmentByteCountMax"]?.number,
            let calls = agreed["callsInFlightMax"]?.number, let byteWindow = agreed["bytesInFlightMax"]?.number
        else { return (nil, []) }
        if vector.isFromClient {
            var tap = Tap(
                serverState(compression: zlib, checksums: checksums) {
                    $0.segmentByteCountMax = UInt32(byteCountMax)
                    $0.callsInFlightMax = UInt32(calls)
                    $0.bytesInFlightMax = UInt32(byteWindow)
                })
            return (feed(parts, to: &tap, codec: &codec), tap.frames)
        }
        let sent = vector.json["callsSent"]?.array ?? []
        let inFlight = sent.compactMap { call -> (UInt64, Opcode)? in
            guard let id = call["requestId"]?.text.flatMap({ UInt64($0) }),
                let opcode = Opcode.allCases.first(where: { $0.description == call["opcode"]?.text })
            else { return nil }
            return (id, opcode)
        }
        var tap = Tap(
            clientState(
                compression: zlib, checksums: checksums, segmentByteCountMax: byteCountMax,
                inFlight: Dictionary(uniqueKeysWithValues: inFlight)))
        return (feed(parts, to: &tap, codec: &codec), tap.frames)
    }
}
