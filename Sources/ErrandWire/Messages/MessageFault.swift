package import ErrandCore

/// What is wrong with the body of one message; the connection lives (SPEC §5 `FRM-4`).
package enum MessageFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The bytes do not have the message's form.
    case malformed(String)
    /// The form is right, a value is outside its limits.
    case invalidField(InvalidField)

    package var description: String {
        switch self {
        case .malformed(let reason): "malformed message: \(reason)"
        case .invalidField(let field): field.description
        }
    }
}
