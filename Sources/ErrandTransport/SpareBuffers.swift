/// Empty arrays with memory, lent to whoever has something to write.
struct SpareBuffers {
    private var buffers: [[UInt8]] = []

    private static let countMax = 64
    private static let byteCount = 16_384
    /// What has grown larger than this is not kept.
    private static let byteCountMax = 1 << 20

    mutating func take() -> [UInt8] {
        buffers.popLast() ?? Array(unsafeUninitializedCapacity: Self.byteCount) { _, count in count = 0 }
    }

    mutating func giveBack(_ buffer: consuming [UInt8]) {
        guard buffers.count < Self.countMax, buffer.capacity > 0, buffer.capacity <= Self.byteCountMax else { return }
        buffer.removeAll(keepingCapacity: true)
        buffers.append(buffer)
    }
}
