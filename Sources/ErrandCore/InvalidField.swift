/// A field outside its limits (SPEC §12). Nothing was done; the same value will always be refused.
public struct InvalidField: Error, Sendable, Equatable, CustomStringConvertible {
    /// The field's name as in SPEC.
    public let field: String
    /// What is wrong and what is allowed, for people.
    public let reason: String

    package init(_ field: String, _ reason: String) {
        self.field = field
        self.reason = reason
    }

    public var description: String { "\(field): \(reason)" }
}
