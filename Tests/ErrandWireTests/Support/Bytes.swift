import ErrandWire

func unhex(_ hex: String) -> [UInt8]? {
    let digits = Array(hex.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let high = Character(UnicodeScalar(digits[index])).hexDigitValue,
            let low = Character(UnicodeScalar(digits[index + 1])).hexDigitValue
        else { return nil }
        result.append(UInt8(high << 4 | low))
    }
    return result
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
}

func number<T: FixedWidthInteger>(_ bytes: some Collection<UInt8>, as type: T.Type) -> T {
    bytes.reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
}

/// CRC-32 bit by bit, not zlib's.
func slowCRC32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 {
            let isOdd = crc & 1 == 1
            crc >>= 1
            if isOdd { crc ^= 0xEDB8_8320 }
        }
    }
    return ~crc
}

/// A frame, written without the encoder under test.
func frame(
    _ opcode: Opcode, _ body: [UInt8] = [], id: UInt64 = 0, flags: UInt8 = 0, status: UInt8 = 0, words: UInt8 = 0
) -> [UInt8] {
    var bytes: [UInt8] = little(UInt32(body.count))
    bytes += [opcode.rawValue, flags, status, words]
    bytes += little(id)
    return bytes + body
}

/// A segment, written without the encoder under test.
func segment(
    _ payload: [UInt8], rawByteCount: Int? = nil, isCompressed: Bool = false, hasChecksum: Bool = true
) -> [UInt8] {
    let flags: UInt16 = (isCompressed ? 1 : 0) | (hasChecksum ? 2 : 0)
    var bytes: [UInt8] = little(UInt32(payload.count))
    bytes += little(UInt32(rawByteCount ?? payload.count))
    bytes += little(flags)
    bytes += little(UInt16(truncatingIfNeeded: slowCRC32(bytes)))
    bytes += little(hasChecksum ? slowCRC32(payload) : UInt32(0))
    return bytes + payload
}

/// A frame's header and body.
struct Frame {
    var header: FrameHeader
    var body: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= FrameHeader.byteCount else { return nil }
        header = FrameHeader(bytes.span.bytes, at: 0)
        body = Array(bytes[FrameHeader.byteCount...])
        guard header.bodyByteCount == body.count else { return nil }
    }
}

/// Splits sealed output into segments, and checks their headers on the way.
struct SplitSegment: Equatable {
    var isCompressed: Bool
    var hasChecksum: Bool
    var rawByteCount: Int
    var frames: [[UInt8]]

    static func all(in output: [UInt8], droppingMagic: Bool = false) -> [SplitSegment]? {
        var result: [SplitSegment] = []
        var offset = droppingMagic ? WireLimits.magic.count : 0
        var codec = SegmentCodec()
        while offset < output.count {
            guard output.count - offset >= 16 else { return nil }
            let head = Array(output[offset..<(offset + 16)])
            let payloadByteCount = Int(number(head[0..<4], as: UInt32.self))
            let flags = number(head[8..<10], as: UInt16.self)
            var reader = PlainReceiver(agreement: SegmentAgreement(compression: true, checksums: false))
            var stream = FrameStream()
            guard offset + 16 + payloadByteCount <= output.count else { return nil }
            let whole = WireLimits.magic + output[offset..<(offset + 16 + payloadByteCount)]
            guard (try? stream.receive(whole.span.bytes, codec: &codec, for: &reader)) != nil else { return nil }
            result.append(
                SplitSegment(
                    isCompressed: flags & 1 != 0, hasChecksum: flags & 2 != 0,
                    rawByteCount: Int(number(head[4..<8], as: UInt32.self)), frames: reader.frames))
            offset += 16 + payloadByteCount
        }
        return result
    }
}

/// A generator whose sequence a seed decides (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
