/// Bytes of a client's connections. `raw…` is what they would have been without compression.
public struct ByteCounts: Sendable, Equatable {
    public var sent: UInt64 = 0
    public var received: UInt64 = 0
    public var rawSent: UInt64 = 0
    public var rawReceived: UInt64 = 0

    public init() {}

    init(sent: UInt64 = 0, received: UInt64 = 0, rawSent: UInt64 = 0, rawReceived: UInt64 = 0) {
        self.sent = sent
        self.received = received
        self.rawSent = rawSent
        self.rawReceived = rawReceived
    }

    public static func + (left: ByteCounts, right: ByteCounts) -> ByteCounts {
        ByteCounts(
            sent: left.sent &+ right.sent, received: left.received &+ right.received,
            rawSent: left.rawSent &+ right.rawSent, rawReceived: left.rawReceived &+ right.rawReceived)
    }
}
