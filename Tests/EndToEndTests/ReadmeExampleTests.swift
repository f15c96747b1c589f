import ErrandServer
import Foundation
import Testing

/// The README's example is this file's `updateOneDevice`, letter by letter, and it does what it says.
@Suite("ReadmeExampleTests", .timeLimit(.minutes(1)))
struct ReadmeExampleTests {
    @Test func theExampleRunsAndShowsTheConflict() async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        let server = try JobExecutionServer.start(configuration)
        let outcome = try await updateOneDevice(port: Int(server.port))
        #expect(outcome == "VERSION_MISMATCH, applied: no, now CANCELED at version 4")
        await server.stop()
    }

    @Test func theReadmeShowsThisFilesFunction() throws {
        let here = URL(filePath: #filePath)
        let readme = try String(contentsOf: here.appending(path: "../../../README.md").standardized, encoding: .utf8)
        let example = try String(
            contentsOf: here.deletingLastPathComponent().appending(path: "ReadmeExample.swift"), encoding: .utf8)
        #expect(readme.contains("```swift\n" + example + "```"), "copy ReadmeExample.swift into README.md")
    }
}
