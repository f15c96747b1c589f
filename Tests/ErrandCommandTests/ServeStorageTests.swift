import ErrandClient
import Foundation
import Glibc
import Testing

/// `errand serve --data` and its directory: who may have it, and what is refused.
@Suite("Serve with storage", .timeLimit(.minutes(3)))
struct ServeStorageTests {
    private let directory = try? TemporaryDirectory()

    private func data() throws -> String { try #require(directory).path + "/data" }

    /// Makes a store with one job in it, and stops it.
    private func makeStore() async throws -> String {
        let data = try data()
        let server = try await RunningServer(data)
        let client = try await server.client()
        try await client.createJob(jobId: "job", document: "{}", targets: ["a", "b"])
        client.close()
        #expect(try await server.stop() == 0)
        return data
    }

    private func refusal(_ data: String) async throws -> String {
        let result = try await Command.run("serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "error")
        #expect(result.status == 1 && result.output.isEmpty)
        return result.errors
    }

    private func patch(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
        let descriptor = open(path, O_RDWR)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
    }

    @Test func aSecondServerOnTheDirectoryIsRefused() async throws {
        let data = try data()
        let server = try await RunningServer(data)
        let message = try await refusal(data)
        #expect(
            message
                == "errand: The store \(data) is in use by process \(server.processId); stop that server or choose"
                + " another directory.\n")
        // The first one has not noticed.
        let client = try await server.client()
        try await client.createJob(jobId: "job", document: "{}", targets: ["a"])
        client.close()
        #expect(try await server.stop() == 0)
    }

    @Test func anUnknownVersionIsRefusedAndLeftAlone() async throws {
        let data = try await makeStore()
        let path = data + "/errand.db"
        // SQLite's user version.
        try patch(path, at: 60, [0, 0, 0, 77])
        let before = FileManager.default.contents(atPath: path)
        let message = try await refusal(data)
        #expect(
            message
                == "errand: \(path) is a store of version 77, which this program does not read; nothing was changed."
                + " Use the program that wrote it or choose another directory.\n")
        #expect(FileManager.default.contents(atPath: path) == before)
    }

    @Test func aFileOfAnotherProgramIsRefusedAndLeftAlone() async throws {
        let data = try data()
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let path = data + "/errand.db"
        let text = Data(String(repeating: "notes ", count: 100).utf8)
        try text.write(to: URL(filePath: path))
        let message = try await refusal(data)
        #expect(
            message
                == "errand: \(path) is not a store of Errand, which this program does not read; nothing was changed."
                + " Use the program that wrote it or choose another directory.\n")
        #expect(FileManager.default.contents(atPath: path) == text)
    }

    /// A byte in the body of a row, where SQLite itself notices nothing.
    @Test func aDamagedRowIsRefusedWithItsPlace() async throws {
        let data = try await makeStore()
        let path = data + "/errand.db"
        let bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
        // The group of records that made the job names it.
        let place = try #require(bytes.firstRange(of: [3] + Array("job".utf8))).lowerBound
        try patch(path, at: place + 1, [UInt8(ascii: "J")])
        let message = try await refusal(data)
        #expect(
            message.hasPrefix("errand: The store is damaged at journal, group ending at sequence ")
                && message.hasSuffix(": the checksum is wrong; keep a copy of the directory and restore a backup.\n"))
        #expect(message.count { $0 == "\n" } == 1)
    }

    @Test func aTruncatedDatabaseIsRefusedWithItsPlace() async throws {
        let data = try await makeStore()
        let path = data + "/errand.db"
        #expect(truncate(path, 8192 * 3 + 100) == 0)
        let message = try await refusal(data)
        #expect(message.hasPrefix("errand: The store is damaged at \(path), "), "\(message)")
        #expect(message.count { $0 == "\n" } == 1)
    }

    @Test func aDirectoryThatCannotBeMadeIsRefused() async throws {
        let data = try data() + "/not/there"
        #expect(
            try await refusal(data)
                == "errand: The store's directory \(data) is not usable (mkdir: No such file or directory); create it or"
                + " let this user write to it.\n")
    }
}

/// A real server on a directory.
struct RunningServer {
    private let command: Command
    private let port: Int

    var processId: pid_t { command.processId }

    init(_ data: String, environment: [String] = []) async throws {
        command = try Command(
            ["serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "critical"], environment: environment)
        let line = await command.line()
        try #require(line.hasPrefix("errand: serving on "), "\(line)")
        port = try #require(Int(line.split(separator: ":").last ?? ""))
    }

    func client() async throws -> JobExecutionClient {
        try await JobExecutionClient.connect(host: "127.0.0.1", port: port)
    }

    /// Returns the exit status.
    func stop(_ signal: Int32 = SIGTERM) async throws -> Int32 {
        command.send(signal)
        return await command.waitForEnd().status
    }
}
