import ArgumentParser
import ErrandClient
import Glibc

/// What every command that calls a server takes.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server to call; without it ERRAND_SERVER from the environment, else 127.0.0.1:5740.",
            valueName: "host:port"),
        transform: { try HostPort.ofServer($0) })
    var server: HostPort?

    @Flag(
        help: """
            Print one JSON object with AWS's field names instead of text; failures too, on standard error, but not what \
            is wrong with the command line (exit status 2).
            """)
    var json = false

    @Option(
        help: ArgumentHelp(
            "How long to wait for the connection, and then for each reply: 500ms, 5s, 2m. (default: \(ClientOptions.standardTimeout))",
            valueName: "duration"),
        transform: { try TimeSpan($0) })
    var timeout = ClientOptions.standardTimeout

    private static let standardTimeout = TimeSpan(milliseconds: 5000)

    /// Connects, runs `body`, closes, and turns what the server refused into what the command prints.
    func withClient(_ body: (JobExecutionClient) async throws -> Void) async throws {
        let server = try serverToCall()
        do {
            var configuration = ClientConfiguration()
            configuration.callTimeout = timeout.duration
            configuration.connectTimeout = timeout.duration
            configuration.clientName = "errand-cli"
            let client = try await JobExecutionClient.connect(
                host: server.host, port: Int(server.port), configuration: configuration)
            defer { client.close() }
            try await body(client)
        } catch let error as ErrandError {
            throw CommandFailure(error, asJSON: json)
        }
    }

    /// `--server`, else what the environment says, else the standard one.
    func serverToCall() throws(CommandFailure) -> HostPort {
        if let server { return server }
        guard let variable = getenv("ERRAND_SERVER") else { return .standard }
        do throws(BadArgument) {
            return try HostPort.ofServer(String(cString: variable))
        } catch {
            throw CommandFailure(.usage, "ERRAND_SERVER: \(error)")
        }
    }
}
