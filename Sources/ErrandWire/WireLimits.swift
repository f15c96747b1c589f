/// Every number of the wire format that is not a field's limit (SPEC §12). `SpecificationTests` compares them with the text.
package enum WireLimits {
    package static let segmentByteCountMax = 262_144
    package static let segmentByteCountMaxBeforeWelcome = 4096
    package static let segmentByteCountMaxFloor = 65_536
    package static let callsInFlightMax = 1024
    package static let bytesInFlightMax = 1_048_576
    package static let batchItemCountMax = 256
    package static let handshakeTimeoutMilliseconds: Int64 = 5000
    package static let segmentTimeoutMilliseconds: Int64 = 30_000
    package static let idleTimeoutMilliseconds: Int64 = 60_000
    package static let pingTimeoutMilliseconds: Int64 = 20_000
    package static let pingIntervalMilliseconds: Int64 = 10_000
    package static let writeStallTimeoutMilliseconds: Int64 = 10_000
    package static let outputByteCountSoftMax = 1_048_576
    package static let controlBudget = 1000
    package static let messageByteCountMax = 512
    package static let clientNameByteCountMax = 64
    package static let credentialByteCountMax = 2048
    package static let version: UInt16 = 1
    package static let magic: [UInt8] = [0x89, 0x45, 0x52, 0x44, 0x0D, 0x0A, 0x1A, 0x0A]

    /// A sender begins a new segment when the open one has reached this (SPEC §4 `SEG-9`).
    package static let segmentByteCountTarget = 65_536
    /// Fewer raw bytes than this are not worth compressing (SPEC §4 `SEG-9`).
    package static let compressionByteCountMin = 512
}
