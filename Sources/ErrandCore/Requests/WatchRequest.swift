/// Begins a watch (SPEC §9.23).
public struct WatchRequest: Sendable, Equatable {
    public var scope: WatchScope
    /// Everything that came after this revision; without it, everything from now on. None with scope `queue`.
    public var fromRevision: UInt64?
    /// How many events and notifications the server may send before it is given more.
    public var credit: UInt32

    public init(scope: WatchScope, fromRevision: UInt64? = nil, credit: UInt32) {
        self.scope = scope
        self.fromRevision = fromRevision
        self.credit = credit
    }
}
