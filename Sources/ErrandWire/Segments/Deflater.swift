internal import CIsal

/// Owner of ISA-L's deflate state, begun anew for every segment (SPEC §4 `SEG-7`).
///
/// Codes are the fixed ones of RFC 1951: codes of a segment's own save a tenth of the bytes of sixteen replies, but cost
/// the sender six times the time for counting, and the receiver twice the time for building tables.
package struct Deflater: ~Copyable {
    // The state is some hundred kilobytes, most of which level 0 never touches, and too large to move about.
    private let stream: UnsafeMutablePointer<isal_zstream>

    package init() {
        let byteCount = MemoryLayout<isal_zstream>.size
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: byteCount, alignment: MemoryLayout<isal_zstream>.alignment)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        // The struct is plain C, for which zeros are a value.
        stream = memory.bindMemory(to: isal_zstream.self, capacity: 1)
    }

    deinit {
        stream.deallocate()
    }

    /// Appends the compressed form of `raw` to `output` if it is smaller than `raw`; otherwise leaves `output` alone.
    package func appendSmaller(_ raw: RawSpan, to output: inout [UInt8]) -> Bool {
        let start = output.count
        let room = raw.byteCount - 1
        guard room > 0 else { return false }
        isal_deflate_stateless_init(stream)
        isal_deflate_set_hufftables(stream, nil, IGZIP_HUFFTABLE_STATIC)
        stream.pointee.gzip_flag = UInt16(IGZIP_ZLIB)
        stream.pointee.end_of_stream = 1
        output.append(contentsOf: repeatElement(0, count: room))
        let produced: Int? = output.withUnsafeMutableBufferPointer { target in
            raw.withUnsafeBytes { source in
                // ISA-L does not write through next_in; both buffers outlive the call.
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: source.bindMemory(to: UInt8.self).baseAddress)
                stream.pointee.avail_in = UInt32(source.count)
                stream.pointee.next_out = target.baseAddress.map { $0 + start }
                stream.pointee.avail_out = UInt32(room)
                // The other result is that the room does not do.
                return isal_deflate_stateless(stream) == COMP_OK ? room - Int(stream.pointee.avail_out) : nil
            }
        }
        output.removeSubrange((start + (produced ?? 0))...)
        return produced != nil
    }
}
