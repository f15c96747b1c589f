/// One piece of work: what it needs is made first, the closure does it once.
struct MicroCase: Sendable {
    let name: String
    let prepare: @Sendable () throws -> (Int) throws -> Void
}

let microCases: [MicroCase] = wireCases + storeCases

/// A result that was not what the work has to give: a fast wrong answer is not counted as good.
struct WrongResult: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
