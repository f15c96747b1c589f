/// A job's id: 1 to 64 of `[a-zA-Z0-9_-]` (SPEC §12).
public struct JobId: Hashable, Sendable, CustomStringConvertible {
    package let text: InlineText<8>

    /// Throws `InvalidField` when `string` is empty, too long or has another character.
    public init(_ string: String) throws(InvalidField) {
        var string = string
        string.makeContiguousUTF8()
        try self.init(bytes: string.utf8Span.span.bytes)
    }

    package init(bytes: RawSpan) throws(InvalidField) {
        try NameAlphabet.check(
            bytes, field: "jobId", byteCountMax: FieldLimits.jobIdByteCountMax, allowsColon: false)
        guard let text = InlineText<8>(bytes) else {
            throw InvalidField("jobId", "has more than \(InlineText<8>.byteCountMax) bytes")
        }
        self.text = text
    }

    /// A name in a reply: SPEC §12's limits bind requests only, so whatever fits is taken. Nothing if it does not fit.
    package init?(received bytes: RawSpan) {
        guard let text = InlineText<8>(bytes) else { return nil }
        self.text = text
    }

    /// The empty placeholder that a decoder keeps when the name on the wire was invalid; it matches nothing.
    package init() { text = InlineText() }

    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes }
    }

    public var description: String { text.string }

    public static func == (left: Self, right: String) -> Bool { left.description == right }
}
