/// The 16 bytes before each segment's payload (SPEC §4).
package struct SegmentHeader: Sendable, Equatable {
    package static let byteCount = 16

    package var payloadByteCount: Int
    package var rawByteCount: Int
    package var isCompressed: Bool
    package var checksum: UInt32?

    package init(payloadByteCount: Int, rawByteCount: Int, isCompressed: Bool, checksum: UInt32?) {
        self.payloadByteCount = payloadByteCount
        self.rawByteCount = rawByteCount
        self.isCompressed = isCompressed
        self.checksum = checksum
    }

    private static let compressedFlag: UInt16 = 1
    private static let checksumFlag: UInt16 = 2

    /// Reads a header and checks it against the reader's limit and what was agreed, in the order of `SEG-1`.
    package init(
        _ bytes: RawSpan, segmentByteCountMax: Int, agreement: SegmentAgreement
    ) throws(ConnectionFault) {
        let check = bytes.loadLittleEndian(at: 10, as: UInt16.self)
        guard check == UInt16(truncatingIfNeeded: CRC32.checksum(bytes.extracting(0..<10))) else {
            throw .segmentHeaderCorrupt
        }
        let flags = bytes.loadLittleEndian(at: 8, as: UInt16.self)
        guard flags & ~(Self.compressedFlag | Self.checksumFlag) == 0 else { throw .segmentFlagsUnknown }
        payloadByteCount = Int(bytes.loadLittleEndian(at: 0, as: UInt32.self))
        rawByteCount = Int(bytes.loadLittleEndian(at: 4, as: UInt32.self))
        isCompressed = flags & Self.compressedFlag != 0
        let checksumField = bytes.loadLittleEndian(at: 12, as: UInt32.self)
        checksum = flags & Self.checksumFlag != 0 ? checksumField : nil
        guard checksum != nil || checksumField == 0 else { throw .segmentHeaderCorrupt }
        guard max(payloadByteCount, rawByteCount) <= segmentByteCountMax else { throw .segmentTooLarge }
        guard payloadByteCount >= 1, rawByteCount >= FrameHeader.byteCount else { throw .segmentLengthInvalid }
        guard isCompressed ? payloadByteCount < rawByteCount : payloadByteCount == rawByteCount else {
            throw .segmentLengthInvalid
        }
        guard checksum != nil || !agreement.checksums else { throw .segmentChecksumMismatch }
        guard agreement.compression || !isCompressed else { throw .compressionNotAgreed }
    }

    /// Writes the header over 16 bytes at `offset`.
    package func write(into bytes: inout MutableRawSpan, at offset: Int) {
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: payloadByteCount), at: offset)
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: rawByteCount), at: offset + 4)
        let flags = (isCompressed ? Self.compressedFlag : 0) | (checksum != nil ? Self.checksumFlag : 0)
        bytes.storeLittleEndian(flags, at: offset + 8)
        let check = CRC32.checksum(bytes.bytes.extracting(offset..<(offset + 10)))
        bytes.storeLittleEndian(UInt16(truncatingIfNeeded: check), at: offset + 10)
        bytes.storeLittleEndian(checksum ?? 0, at: offset + 12)
    }
}

/// What WELCOME settled about segments (SPEC §7.2).
package struct SegmentAgreement: Sendable, Equatable {
    package var compression: Bool
    package var checksums: Bool

    package init(compression: Bool, checksums: Bool) {
        self.compression = compression
        self.checksums = checksums
    }

    /// Before WELCOME: stored segments with a checksum.
    package static let beforeWelcome = SegmentAgreement(compression: false, checksums: true)
}
