import ErrandClient
import Glibc
import Testing

@Suite("Serve", .timeLimit(.minutes(2)))
struct ServeTests {
    private static let prefix = "errand: serving on "

    private func start(_ arguments: String...) async throws -> (server: Command, address: String) {
        let server = try Command(["serve", "--memory", "--listen", "127.0.0.1:0"] + arguments)
        let line = await server.line()
        try #require(line.hasPrefix(Self.prefix))
        return (server, String(line.dropFirst(Self.prefix.count)))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func signalStopsItWithZero(signal: Int32) async throws {
        let (server, address) = try await start(
            "--log-level", "info", "--minute-length", "50ms", "--arn-prefix", "arn:x")
        let port = try #require(Int(address.split(separator: ":").last ?? ""))
        // A client that is connected does not hold up the end.
        let client = try await JobExecutionClient.connect(host: "127.0.0.1", port: port)
        #expect(client.thingArnPrefix == "arn:x")
        #expect(try await client.serverInfo().minuteLengthMilliseconds == 50)
        server.send(signal)
        let result = await server.waitForEnd()
        client.close()
        #expect(result.status == 0)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("stopping") && result.errors.contains("stopped"))
    }

    @Test func portInUseEndsWithOneAndOneLine() async throws {
        let (server, address) = try await start("--log-level", "critical")
        let second = try await Command.run("serve", "--memory", "--listen", address)
        #expect(second.status == 1 && second.output.isEmpty)
        #expect(second.errors.hasPrefix("errand: \(address) is in use"))
        #expect(second.errors.count { $0 == "\n" } == 1)
        server.send(SIGTERM)
        let result = await server.waitForEnd()
        #expect(result.status == 0 && result.errors.isEmpty)
    }

    @Test func addressOfAnotherMachineEndsWithOne() async throws {
        // TEST-NET-1: no machine has it.
        let result = try await Command.run("serve", "--memory", "--listen", "192.0.2.1:0")
        #expect(result.status == 1 && result.errors.hasPrefix("errand: cannot listen on 192.0.2.1:0: "))
    }
}
