/// The zlib states and scratch memory that all connections of one loop share.
package struct SegmentCodec: ~Copyable {
    package let inflater = Inflater()
    package let deflater = Deflater()
    /// Begins with what the last compressed segment inflated to; bytes behind that are older and must not be read.
    package var inflated: [UInt8] = []

    package init() {}
}
