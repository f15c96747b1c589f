internal import ErrandCore

extension CreateJobRequest {
    /// All the fields' limits, and that the document is JSON: the one check that needs a parser.
    func validateWithDocument() throws(InvalidField) {
        try validate()
        do {
            try JSONText.check(document)
        } catch {
            throw InvalidField("document", "is not JSON: \(error)")
        }
    }
}
