import ErrandServer
import ErrandTestSupport
import Foundation
import Testing

/// The client in Python was written from the specification alone: that it and the server understand each other is
/// the test that both follow it.
@Suite(.ownThreads, .timeLimit(.minutes(2)))
struct ReferenceClientTests {
    private static let python = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(.enabled(if: python != nil, "python3 is not installed"))
    func theReferenceClientIsServed() async throws {
        let python = try #require(Self.python)
        var configuration = ServerConfiguration()
        configuration.port = 0
        let server = try JobExecutionServer.start(configuration)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-B", "\(VectorFile.folder)/reference/errand_client.py", server.address]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(text.split(separator: "\n").count { $0.hasPrefix("ok: ") } == 4, "\(text)")
        await server.stop()
    }
}
