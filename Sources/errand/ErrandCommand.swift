import ArgumentParser
import ErrandServer

/// The root of the command line.
struct ErrandCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errand",
        abstract: "Job executions for fleets of devices: a server, and everything to drive it.",
        discussion: """
            Start a server, create a job, and act as its device:

              errand serve &
              errand job create firmware-7 --document job.json --target press-1
              errand execution next press-1
              errand execution update firmware-7 press-1 --status SUCCEEDED \\
                --detail progress=100/100
              errand execution describe firmware-7 press-1 --json
              errand watch --job firmware-7

            The words are those of AWS IoT Jobs. Results go to standard output, everything else to standard error.

            EXIT STATUS
              0  done
              1  refused by the server, or a command that failed here
              2  the command line is wrong, or a file cannot be read
              3  the server is unreachable, out of time, or not an Errand server

            A failure is one line, 'errand: CODE: message', on standard error; with --json it is one object with
            code, message, applied and, where the server sent it, executionState. What ends with status 2 is a line of
            text with --json, too.
            """,
        version: JobExecutionServer.version,
        subcommands: [
            ServeCommand.self, DemoCommand.self, JobCommand.self, ExecutionCommand.self, WatchCommand.self,
            StoreCommand.self, BenchCommand.self,
        ])
}
