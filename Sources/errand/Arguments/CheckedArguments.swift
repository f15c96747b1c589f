import ArgumentParser

/// Options that have to fit together.
///
/// ArgumentParser checks them before it looks for options that it does not know, so whoever mistypes `--target` would be
/// told that a target is missing. `Main` therefore parses a second time without these checks and tells of that first.
protocol CheckedArguments: ParsableArguments {
    /// Throws `ValidationError` if they do not fit.
    func check() throws
}

extension CheckedArguments {
    mutating func validate() throws {
        if !ArgumentChecks.areOff { try check() }
    }
}

enum ArgumentChecks {
    @TaskLocal static var areOff = false

    /// What is wrong with the arguments besides how they fit together; nothing if that is all.
    static func mistake(in arguments: [String]) -> (any Error)? {
        do {
            _ = try $areOff.withValue(true) { try ErrandCommand.parseAsRoot(arguments) }
            return nil
        } catch {
            return error
        }
    }
}
