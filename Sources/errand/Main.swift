import ArgumentParser
import ErrandClient
import Glibc

/// The process: parses, runs, and turns whatever happened into one line and an exit status.
@main
enum Main {
    static func main() async {
        let status = await run(Array(CommandLine.arguments.dropFirst()))
        exit(status.rawValue)
    }

    private static func run(_ arguments: [String]) async -> ExitStatus {
        var command: any ParsableCommand
        do {
            command = try ErrandCommand.parseAsRoot(arguments)
        } catch {
            return end(ArgumentChecks.mistake(in: arguments) ?? error, otherwise: .usage)
        }
        do {
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return .done
        } catch {
            return end(error, otherwise: .refused)
        }
    }

    /// Help and versions go to standard output, everything else to standard error.
    private static func end(_ error: any Error, otherwise status: ExitStatus) -> ExitStatus {
        if let failure = error as? CommandFailure {
            failure.print()
            return failure.status
        }
        if ErrandCommand.exitCode(for: error) == .success {
            var output = StandardOutput()
            output.line(ErrandCommand.fullMessage(for: error))
            try? output.flush()
            return .done
        }
        if let error = error as? ErrandError {
            return end(CommandFailure(error, asJSON: false), otherwise: status)
        }
        let status = ErrandCommand.exitCode(for: error) == .validationFailure ? ExitStatus.usage : status
        CommandFailure(status, UsageLine.of(error)).print()
        return status
    }
}
