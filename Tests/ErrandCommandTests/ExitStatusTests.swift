import Dispatch
import ErrandClient
import ErrandServer
import Testing

/// Runs the built binary against a server in this process, or against something that is none, and looks at what a
/// script would see: the exit status, standard output and standard error.
@Suite("Exit statuses", .timeLimit(.minutes(2)))
struct ExitStatusTests {
    private static func withServer(_ body: (_ address: String) async throws -> Void) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        let server = try JobExecutionServer.start(configuration)
        do {
            try await body(server.address)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private static func createJob(_ server: String) async throws {
        let result = try await Command.run(
            "job", "create", "fw", "--document", "-", "--target", "t1", "--target", "t2", "--server", server,
            input: #"{"operation":"update"}"#)
        #expect(result.status == 0 && result.output == "created fw for 2 targets\n" && result.errors.isEmpty)
    }

    @Test func jobLivesFromItsCreationToItsCancel() async throws {
        try await Self.withServer { server in
            try await Self.createJob(server)
            let next = try await Command.run(
                "execution", "next", "t1", "--detail", "step=a=b", "--json", environment: ["ERRAND_SERVER=\(server)"])
            #expect(next.status == 0)
            #expect(next.output.contains(#""status":"IN_PROGRESS""#) && next.output.contains(#""step":"a=b""#))
            #expect(next.output.contains(#""jobDocument":"{\"operation\":\"update\"}""#))
            let update = try await Command.run(
                "execution", "update", "fw", "t1", "--status", "IN_PROGRESS", "--detail", "progress=40/100",
                "--expected-version", "2", "--json", "--server", server)
            #expect(update.status == 0 && update.output.contains(#""versionNumber":3"#))
            let gentle = try await Command.run("execution", "cancel", "fw", "t1", "--server", server)
            #expect(gentle.status == 1 && gentle.output.isEmpty)
            #expect(gentle.errors.hasPrefix("errand: INVALID_STATE_TRANSITION: "))
            let forced = try await Command.run("execution", "cancel", "fw", "t1", "--force", "--server", server)
            #expect(forced.status == 0 && forced.output.hasPrefix("fw on t1: CANCELED, version 4, execution 1"))
            let list = try await Command.run("execution", "list", "--job", "fw", "--json", "--server", server)
            #expect(list.output.hasPrefix(#"{"executions":[{"jobId":"fw""#) && list.output.hasSuffix("]}\n"))
            #expect(list.output.contains(#""forceCanceled":true"#) && list.output.contains(#""status":"QUEUED""#))
            let job = try await Command.run("job", "describe", "fw", "--json", "--server", server)
            #expect(
                job.output.contains(#""numberOfQueuedThings":1"#) && job.output.contains(#""numberOfCanceledThings":1"#)
            )
        }
    }

    @Test func staleVersionEndsWithOneAndTheState() async throws {
        try await Self.withServer { server in
            try await Self.createJob(server)
            let arguments = [
                "execution", "update", "fw", "t1", "--status", "SUCCEEDED", "--expected-version", "7", "--server",
                server,
            ]
            let text = try await Command(arguments).waitForEnd()
            #expect(text.status == 1 && text.output.isEmpty)
            #expect(
                text.errors == "errand: VERSION_MISMATCH: expected version 7, the current version is 1 "
                    + "(QUEUED, version 1, execution 1)\n")
            let json = try await Command(arguments + ["--json"]).waitForEnd()
            #expect(json.status == 1 && json.output.isEmpty)
            #expect(json.errors.hasPrefix(#"{"code":"VERSION_MISMATCH","message":"#))
            #expect(json.errors.contains(#""executionState":{"status":"QUEUED","statusDetails":{},"versionNumber":1,"#))
        }
    }

    @Test func nothingPendingIsNoFailure() async throws {
        try await Self.withServer { server in
            for arguments in [["next", "t9"], ["describe", "$next", "t9"]] {
                let text = try await Command(["execution"] + arguments + ["--server", server]).waitForEnd()
                #expect(text.status == 0 && text.output == "nothing pending\n")
                let json = try await Command(["execution"] + arguments + ["--json", "--server", server]).waitForEnd()
                #expect(json.status == 0 && json.output == "{}\n")
            }
        }
    }

    @Test func targetsComeFromStandardInputToo() async throws {
        try await Self.withServer { server in
            let document = try TemporaryFile("{}")
            let result = try await Command.run(
                "job", "create", "many", "--document", document.path, "--targets-file", "-", "--json", "--server",
                server,
                input: "# all\na\n\nb\nc\n")
            #expect(result.status == 0 && result.output == "{\"jobId\":\"many\",\"targetCount\":3}\n")
        }
    }

    @Test(arguments: [
        ["bogus"], ["serve", "--bogus"], ["serve", "--listen", "nowhere"], ["serve", "--minute-length", "5"],
        ["serve", "--log-level", "loud"], ["demo", "--things", "0"], ["execution", "describe", "fw"],
        ["execution", "describe", "a b", "t"], ["execution", "update", "fw", "t"],
        ["execution", "update", "fw", "t", "--status", "DONE"],
        ["execution", "update", "fw", "t", "--status", "FAILED", "--detail", "x"],
        ["execution", "list"], ["execution", "list", "--job", "a", "--thing", "b"],
        ["job", "create", "fw", "--document", "/nonexistent/file", "--target", "t"],
        ["job", "create", "fw", "--document", "/", "--target", "t"], ["job", "create", "fw", "--document", "-"],
        ["job", "describe", "fw", "--server", "nowhere"], ["job", "describe", "fw", "--server", "127.0.0.1:0"],
        ["job", "describe", "fw", "--timeout", "0s"],
    ])
    func wrongUseEndsWithTwoAndOneLine(arguments: [String]) async throws {
        let result = try await Command(arguments).waitForEnd()
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("errand: ") && result.errors.hasSuffix("\n"))
        #expect(result.errors.count { $0 == "\n" } == 1)
    }

    /// What was mistyped is named, and not what is missing because of it.
    @Test(arguments: [
        (["job", "create", "fw", "--document", "-", "--targt", "t"], "'--targt'", "errand job create --help"),
        (["job", "update", "fw", "--in-progress-timeout", "5"], "'--in-progress-timeout'", "errand job update --help"),
        (["execution", "list", "--jb", "fw"], "'--jb'", "errand execution list --help"),
        (["watch", "--queue", "--thng", "t"], "'--thng'", "errand watch --help"),
    ])
    func aMistypedOptionIsNamed(arguments: [String], option: String, hint: String) async throws {
        let result = try await Command(arguments).waitForEnd()
        #expect(result.status == 2 && result.errors.hasPrefix("errand: Unknown option \(option)"))
        #expect(result.errors.contains(hint))
    }

    @Test func serverInTheEnvironmentIsChecked() async throws {
        let result = try await Command.run("job", "describe", "fw", environment: ["ERRAND_SERVER=nowhere"])
        #expect(result.status == 2 && result.errors == "errand: ERRAND_SERVER: 'nowhere' is not HOST:PORT\n")
    }

    @Test func unreachableServerEndsWithThree() async throws {
        let nobody = try FakeServer(.refuses)
        let text = try await Command.run("job", "describe", "fw", "--server", nobody.address)
        #expect(text.status == 3 && text.output.isEmpty)
        #expect(text.errors.hasPrefix("errand: UNAVAILABLE: ") && text.errors.count { $0 == "\n" } == 1)
        let json = try await Command.run("job", "describe", "fw", "--json", "--server", nobody.address)
        #expect(json.status == 3 && json.errors.hasPrefix(#"{"code":"UNAVAILABLE","message":"#))
    }

    @Test func silentServerEndsWithThree() async throws {
        let silent = try FakeServer(.neverAnswers)
        let result = try await Command.run(
            "execution", "next", "t", "--timeout", "100ms", "--server", silent.address)
        // The time limit of the command, not the longer one of the handshake.
        #expect(
            result.status == 3 && result.errors.hasPrefix("errand: UNAVAILABLE: ")
                && result.errors.contains(silent.address))
    }

    @Test func serverOfSomethingElseEndsWithThree() async throws {
        let web = try FakeServer(.neverAnswers)
        let address = web.address
        let command = try Command(["job", "describe", "fw", "--server", address])
        let result = await Self.answering(consume web) { await command.waitForEnd() }
        #expect(result.status == 3 && result.errors.hasPrefix("errand: PROTOCOL_ERROR: "))
    }

    private static func answering(_ server: consuming FakeServer, _ body: () async -> Command.Result) async
        -> Command.Result
    {
        let thread = DispatchQueue(label: "fake")
        let server = Box(server)
        thread.async { server.value.answerOne("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") }
        return await body()
    }

    @Test(arguments: [
        [], ["serve"], ["demo"], ["job"], ["job", "create"], ["job", "describe"], ["execution"],
        ["execution", "describe"],
        ["execution", "update"], ["execution", "cancel"], ["execution", "next"], ["execution", "pending"],
        ["execution", "list"], ["execution", "delete"], ["execution", "history"], ["job", "cancel"], ["job", "delete"],
        ["job", "list"], ["job", "update"], ["job", "remove-targets"], ["job", "document"], ["bench"],
    ])
    func helpGoesToStandardOutput(command: [String]) async throws {
        let result = try await Command(command + ["--help"]).waitForEnd()
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.output.contains("OVERVIEW: ") && result.output.contains("USAGE: errand"))
    }
}

/// Carries a value with one owner into a closure.
private final class Box: Sendable {
    let value: FakeServer

    init(_ value: consuming FakeServer) { self.value = value }
}
