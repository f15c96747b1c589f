internal import CZlib

/// zlib's CRC-32 (SPEC §4): the value of "123456789" is CBF43926.
package enum CRC32 {
    package static func checksum(_ bytes: RawSpan) -> UInt32 {
        bytes.withUnsafeBytes { buffer in
            // zlib reads the buffer only during the call; a segment's length always fits uInt.
            UInt32(truncatingIfNeeded: crc32(0, buffer.bindMemory(to: UInt8.self).baseAddress, uInt(buffer.count)))
        }
    }
}
