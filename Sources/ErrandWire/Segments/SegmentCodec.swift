/// The zlib states and scratch memory that all connections of one loop share.
package struct SegmentCodec: ~Copyable {
    package let inflater = Inflater()
    package let deflater = Deflater()
    /// What the last compressed segment inflated to.
    package var inflated: [UInt8] = []

    package init() {}
}
