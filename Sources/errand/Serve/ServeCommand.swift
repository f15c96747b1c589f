import ArgumentParser
import ErrandServer
import Glibc
import Logging

struct ServeCommand: AsyncParsableCommand, CheckedArguments {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve job executions until SIGTERM or SIGINT.",
        discussion: """
            Example:
              errand serve --listen 0.0.0.0:5740 --data /var/lib/errand \\
                --arn-prefix arn:aws:iot:eu-central-1:123456789012

            Every change is on disk before it is acknowledged. The directory is made if it is not there (its parent must \
            be), and belongs to one server at a time. 'errand store' checks it, and backs it up while this runs.

            When it accepts connections it prints 'errand: serving on HOST:PORT' on standard output; port 0 takes a free \
            one. Logs go to standard error. The first SIGTERM or SIGINT lets clients finish, for up to ten seconds, and \
            ends with status 0; a second one ends at once with status 1. A port in use ends with status 1, a bad option \
            with status 2, a store that is damaged or in use with status 1. There is no authentication yet: listen on loopback or in a trusted network only.
            """)

    @Option(
        help: ArgumentHelp(
            "Where to listen; an IPv6 address in brackets, port 0 for a free one. (default: \(HostPort.standard))",
            valueName: "host:port"),
        transform: { try HostPort($0) })
    var listen: HostPort = .standard

    @Option(help: ArgumentHelp("Where everything is kept. (default: \(Self.standardData))", valueName: "directory"))
    var data: String?

    @Flag(help: "Keep everything in memory only; the end of the process forgets it.")
    var memory = false

    @Option(
        help: ArgumentHelp(
            "How long finished executions stay in memory; later they are read from --data. (default: \(ServeCommand.standardKeepFinished))",
            valueName: "duration"),
        transform: { try TimeSpan($0) })
    var keepFinished = ServeCommand.standardKeepFinished

    private static let standardKeepFinished = TimeSpan(milliseconds: 3_600_000)

    private static let standardData = "./errand-data"

    @Option(
        help: ArgumentHelp(
            "How long a minute of the timers lasts; shorten it for tests only. (default: \(ServeCommand.standardMinuteLength))",
            valueName: "duration"),
        transform: { try TimeSpan($0) })
    var minuteLength = ServeCommand.standardMinuteLength

    private static let standardMinuteLength = TimeSpan(milliseconds: 60_000)

    @Option(help: ArgumentHelp("What stands before :thing/NAME in every thingArn.", valueName: "prefix"))
    var arnPrefix = ServerConfiguration().thingArnPrefix

    @Option(
        help: ArgumentHelp(
            "The least level that is logged: trace, debug, info, notice, warning, error or critical. (default: info)",
            valueName: "level"),
        transform: { try ServerLog.level($0) })
    var logLevel = Logger.Level.info

    func check() throws {
        if memory, data != nil {
            throw ValidationError("--memory keeps nothing on disk; leave out --data or --memory.")
        }
        if data?.isEmpty == true { throw ValidationError("--data takes a directory, such as /var/lib/errand.") }
        guard (1...256).contains(arnPrefix.utf8.count), arnPrefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ValidationError("--arn-prefix takes 1 to 256 printable ASCII characters without spaces")
        }
    }

    func run() async throws {
        // A log that nobody reads any more must not end the server.
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow is a full disk: changes are refused until the limit is lifted.
        signal(SIGXFSZ, SIG_IGN)
        let stop = StopSignals()
        var configuration = ServerConfiguration()
        configuration.host = listen.host
        configuration.port = listen.port
        configuration.minuteLengthMilliseconds = minuteLength.milliseconds
        configuration.thingArnPrefix = arnPrefix
        configuration.finishedRetentionMilliseconds = keepFinished.milliseconds
        configuration.dataDirectory = memory ? nil : data ?? Self.standardData
        configuration.connectionCountMax = min(
            configuration.connectionCountMax, JobExecutionServer.raiseConnectionLimit())
        configuration.logger = ServerLog.logger(logLevel)
        let server: JobExecutionServer
        do throws(ServerStartError) {
            server = try JobExecutionServer.start(configuration)
        } catch {
            throw CommandFailure(.refused, error.description)
        }
        do throws(CommandFailure) {
            try StandardOutput.print("errand: serving on \(server.address)")
        } catch {
            await server.stop()
            throw error
        }
        configuration.logger.info("serving", metadata: ["address": "\(server.address)"])
        let name = await stop.first()
        configuration.logger.info("stopping", metadata: ["signal": "\(name)"])
        await server.stop()
        configuration.logger.info("stopped")
    }
}

extension HostPort {
    /// Where a server listens unless told otherwise.
    static let standard = HostPort(host: "127.0.0.1", port: 5740)
}
