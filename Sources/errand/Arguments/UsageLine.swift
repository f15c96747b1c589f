import ArgumentParser

/// What ArgumentParser says in several lines, in one.
enum UsageLine {
    static func of(_ error: any Error) -> String {
        let message = ErrandCommand.message(for: error).split(whereSeparator: \.isNewline).first.map(String.init)
        let hint = ErrandCommand.fullMessage(for: error).split(whereSeparator: \.isNewline)
            .last { $0.contains("--help'") }
            .flatMap { $0.split(separator: "'").dropFirst().first }
        let text = message ?? "the command line is wrong"
        return hint.map { "\(text) (see '\($0)')" } ?? text
    }
}
