import ErrandClient

/// One `K=V` of `--detail`; the value may hold more equals signs.
struct Detail: Equatable {
    let key: String
    let value: String

    init(_ text: String) throws(BadArgument) {
        guard let equals = text.firstIndex(of: "=") else { throw BadArgument("'\(text)' is not KEY=VALUE") }
        key = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
        guard !key.isEmpty else { throw BadArgument("'\(text)' has no key before the equals sign") }
        guard !value.isEmpty else { throw BadArgument("'\(text)' has no value after the equals sign") }
    }

    /// Nothing if there are none: then the stored details stay as they are.
    static func statusDetails(_ details: [Detail]) throws(CommandFailure) -> StatusDetails? {
        guard !details.isEmpty else { return nil }
        do throws(InvalidField) {
            return try StatusDetails(details.map { (key: $0.key, value: $0.value) })
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
    }
}
