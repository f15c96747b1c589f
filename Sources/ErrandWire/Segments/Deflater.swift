internal import CZlib

/// Owner of one deflate state at level 1, reset for every segment (SPEC §4 `SEG-7`).
package struct Deflater: ~Copyable {
    // zlib keeps a pointer back to its stream, so the stream needs an address of its own.
    private let stream: UnsafeMutablePointer<z_stream>

    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let result = deflateInit_(stream, 1, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib refuses to start: \(result)")
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Appends the compressed form of `raw` to `output` if it is smaller than `raw`; otherwise leaves `output` alone.
    package func appendSmaller(_ raw: RawSpan, to output: inout [UInt8]) -> Bool {
        let start = output.count
        let room = raw.byteCount - 1
        guard room > 0 else { return false }
        deflateReset(stream)
        output.append(contentsOf: repeatElement(0, count: room))
        let produced: Int? = output.withUnsafeMutableBufferPointer { target in
            raw.withUnsafeBytes { source in
                // zlib does not write through next_in; both buffers outlive the call.
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: source.bindMemory(to: UInt8.self).baseAddress)
                stream.pointee.avail_in = uInt(source.count)
                stream.pointee.next_out = target.baseAddress.map { $0 + start }
                stream.pointee.avail_out = uInt(room)
                let result = deflate(stream, Z_FINISH)
                return result == Z_STREAM_END ? room - Int(stream.pointee.avail_out) : nil
            }
        }
        output.removeSubrange((start + (produced ?? 0))...)
        return produced != nil
    }
}
