/// The 16 bytes before each frame's body (SPEC §5).
package struct FrameHeader: Sendable, Equatable {
    package static let byteCount = 16

    package var bodyByteCount: Int
    package var opcode: UInt8
    package var flags: FrameFlags
    package var status: UInt8
    package var rootWordCount: UInt8
    package var requestId: UInt64

    package init(
        bodyByteCount: Int, opcode: UInt8, flags: FrameFlags, status: UInt8, rootWordCount: UInt8, requestId: UInt64
    ) {
        self.bodyByteCount = bodyByteCount
        self.opcode = opcode
        self.flags = flags
        self.status = status
        self.rootWordCount = rootWordCount
        self.requestId = requestId
    }

    /// Reads the header at `offset`, which the caller knows to be there.
    @inline(__always)
    package init(_ bytes: RawSpan, at offset: Int) {
        bodyByteCount = Int(bytes.loadLittleEndian(at: offset, as: UInt32.self))
        opcode = bytes.loadLittleEndian(at: offset + 4, as: UInt8.self)
        flags = FrameFlags(rawValue: bytes.loadLittleEndian(at: offset + 5, as: UInt8.self))
        status = bytes.loadLittleEndian(at: offset + 6, as: UInt8.self)
        rootWordCount = bytes.loadLittleEndian(at: offset + 7, as: UInt8.self)
        requestId = bytes.loadLittleEndian(at: offset + 8, as: UInt64.self)
    }

    @inline(__always)
    package func write(into bytes: inout MutableRawSpan, at offset: Int) {
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: bodyByteCount), at: offset)
        bytes.storeLittleEndian(opcode, at: offset + 4)
        bytes.storeLittleEndian(flags.rawValue, at: offset + 5)
        bytes.storeLittleEndian(status, at: offset + 6)
        bytes.storeLittleEndian(rootWordCount, at: offset + 7)
        bytes.storeLittleEndian(requestId, at: offset + 8)
    }

    /// Header and body, for the window's byte count.
    package var frameByteCount: Int { Self.byteCount + bodyByteCount }
}

package struct FrameFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let reply = FrameFlags(rawValue: 1)
    package static let tail = FrameFlags(rawValue: 2)

    package var hasReservedBits: Bool { rawValue & ~3 != 0 }
}
