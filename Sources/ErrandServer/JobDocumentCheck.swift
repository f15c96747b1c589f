internal import ErrandCore
internal import Foundation

extension CreateJobRequest {
    /// All the fields' limits, and that the document is JSON: the one check that needs a parser.
    func validateWithDocument() throws(InvalidField) {
        try validate()
        do {
            _ = try JSONSerialization.jsonObject(with: Data(document.utf8), options: .fragmentsAllowed)
        } catch {
            throw InvalidField("document", "is not JSON")
        }
    }
}
