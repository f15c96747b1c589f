internal import CZlib

/// Owner of one inflate state, reset for every segment: nothing carries over (SPEC §4 `SEG-7`).
package struct Inflater: ~Copyable {
    // zlib keeps a pointer back to its stream, so the stream needs an address of its own.
    private let stream: UnsafeMutablePointer<z_stream>

    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let result = inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib refuses to start: \(result)")
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Inflates exactly one stream of `payload` into the first `rawByteCount` bytes of `output`, which grows but never
    /// shrinks: what stands behind them is of an earlier segment and nobody's business.
    ///
    /// The bound is the room given, not a later comparison, so no stream can write more.
    package func inflate(
        _ payload: RawSpan, rawByteCount: Int, into output: inout [UInt8]
    ) throws(ConnectionFault) {
        if output.count < rawByteCount {
            output.append(contentsOf: repeatElement(0, count: rawByteCount - output.count))
        }
        inflateReset(stream)
        let fault = output.withUnsafeMutableBufferPointer { buffer in
            run(payload, into: UnsafeMutableBufferPointer(rebasing: buffer[..<rawByteCount]))
        }
        if let fault { throw fault }
    }

    private func run(_ payload: RawSpan, into target: UnsafeMutableBufferPointer<UInt8>) -> ConnectionFault? {
        payload.withUnsafeBytes { source in
            // zlib does not write through next_in; its type is only not const. Both buffers outlive the call.
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: source.bindMemory(to: UInt8.self).baseAddress)
            stream.pointee.avail_in = uInt(source.count)
            stream.pointee.next_out = target.baseAddress
            stream.pointee.avail_out = uInt(target.count)
            let result = CZlib.inflate(stream, Z_FINISH)
            let consumedAll = stream.pointee.avail_in == 0
            let producedAll = stream.pointee.avail_out == 0
            switch result {
            case Z_STREAM_END:
                if !producedAll { return .compressionLengthMismatch }
                return consumedAll ? nil : .compressionTrailingBytes
            case Z_OK, Z_BUF_ERROR:
                // Out of room, or out of input before the end marker.
                if producedAll && !consumedAll { return .compressionLengthMismatch }
                if producedAll { return overflowsOrEnds() }
                return .compressionTruncated
            default:
                return .compressionCorrupt
            }
        }
    }

    /// Room and input ended together: one more byte of room tells a longer stream from a truncated one.
    private func overflowsOrEnds() -> ConnectionFault {
        var extra: UInt8 = 0
        return withUnsafeMutablePointer(to: &extra) { pointer in
            stream.pointee.next_out = pointer
            stream.pointee.avail_out = 1
            _ = CZlib.inflate(stream, Z_FINISH)
            return stream.pointee.avail_out == 0 ? .compressionLengthMismatch : .compressionTruncated
        }
    }
}
