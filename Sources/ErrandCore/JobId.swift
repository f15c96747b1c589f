/// A job's id: 1 to 64 of `[a-zA-Z0-9_-]` (SPEC §12).
public struct JobId: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline
    package let text: InlineText<8>

    /// Throws `InvalidField` when `string` is empty, too long or has another character.
    public init(_ string: String) throws(InvalidField) {
        var string = string
        string.makeContiguousUTF8()
        try self.init(bytes: string.utf8Span.span.bytes)
    }

    /// Throws unless `bytes` are such a name.
    package static func check(_ bytes: RawSpan) throws(InvalidField) {
        try NameAlphabet.check(
            bytes, field: "jobId", byteCountMax: FieldLimits.jobIdByteCountMax, allowsColon: false)
    }

    package init(bytes: RawSpan) throws(InvalidField) {
        try Self.check(bytes)
        guard let text = InlineText<8>(bytes) else {
            throw InvalidField("jobId", "has more than \(InlineText<8>.byteCountMax) bytes")
        }
        self.text = text
    }

    /// Takes bytes that came out of another `JobId`, without checking them again.
    package init(stored bytes: RawSpan) {
        guard let text = InlineText<8>(bytes) else { preconditionFailure("a stored job id has at most 64 bytes") }
        self.text = text
    }

    /// A name in a reply: SPEC §12's limits bind requests only, so whatever fits is taken. Nothing if it does not fit.
    package init?(received bytes: RawSpan) {
        guard let text = InlineText<8>(bytes) else { return nil }
        self.text = text
    }

    /// The empty placeholder that a decoder keeps when the name on the wire was invalid; it matches nothing.
    package init() { text = InlineText() }

    @inlinable
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes }
    }

    public var description: String { text.string }

    public static func == (left: Self, right: String) -> Bool { left.description == right }
}
