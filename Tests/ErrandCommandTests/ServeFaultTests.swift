import ErrandClient
import Foundation
import Glibc
import Testing

/// The real `errand serve` on a disk that fails or is full. Every call at which the store can fail is tried in-process
/// (StorageFaultTests); these are samples of them, through the whole server, with the errors made by a preloaded library.
@Suite("Serve on a failing disk", .serialized, .timeLimit(.minutes(15)))
struct ServeFaultTests {
    private static let things = (0..<10).map { "t\($0)" }

    /// What a client knows at the end of its run.
    private struct Knowledge {
        /// The greatest number whose report was acknowledged, for each thing.
        var acknowledged: [String: Int] = [:]
        var failedThing = ""
    }

    private func directory() throws -> TemporaryDirectory {
        // Syncs take their time on a disk; that the errors come and go is the same here.
        try TemporaryDirectory(in: "/dev/shm/")
    }

    @Test(arguments: [50, 57, 64, 90, 131, 205, 333, 480])
    func anErrorOfTheDiskMakesTheServerReadOnly(index: Int) async throws {
        try await failOne(index, isSyncOnly: false)
    }

    @Test(arguments: [12, 25, 60, 110, 170])
    func aFailedSyncMakesTheServerReadOnly(index: Int) async throws { try await failOne(index, isSyncOnly: true) }

    private func failOne(_ index: Int, isSyncOnly: Bool) async throws {
        let directory = try directory()
        let data = directory.path + "/data"
        let library = try FaultLibrary.shared()
        let plan = FaultLibrary.Plan(
            directory: data, index: index, errorNumber: EIO, isSyncOnly: isSyncOnly,
            report: directory.path + "/report")
        let server = try await RunningServer(data, environment: library.environment(plan))
        let client = try await server.client()
        let known = try await work(client)
        let report = directory.text("report").split(separator: "\n").map(String.init)
        try #require(report.first?.hasPrefix("failed ") == true, "the fault of call \(index) did not come")
        try await expectReadOnly(client, known)
        client.close()
        _ = try await server.stop()
        // The failed sync is not made again: not for the next call, nor at the end.
        let again = directory.text("report").split(separator: "\n").filter { $0.hasPrefix("again sync") }
        #expect(again.isEmpty, "\(report)")
        try await expectAll(known, in: data)
    }

    /// 200 reports, one after the other, until one fails.
    private func work(_ client: JobExecutionClient) async throws -> Knowledge {
        var known = Knowledge()
        do throws(ErrandError) {
            try await client.createJob(jobId: "job", document: "{}", targets: Self.things)
        } catch {
            known.failedThing = "all"
            return known
        }
        for number in 0..<200 {
            let thing = Self.things[number % Self.things.count]
            do throws(ErrandError) {
                _ = try await client.updateJobExecution(
                    jobId: "job", thingName: thing, status: .inProgress, statusDetails: ["n": "\(number)"])
                known.acknowledged[thing] = number
            } catch {
                #expect(error.code == .internalError || error.code == .unavailable, "\(error)")
                known.failedThing = thing
                return known
            }
        }
        return known
    }

    private func expectReadOnly(_ client: JobExecutionClient, _ known: Knowledge) async throws {
        for (thing, number) in known.acknowledged where thing != known.failedThing {
            let refusal = await #expect(throws: ErrandError.self) {
                try await client.updateJobExecution(jobId: "job", thingName: thing, status: .succeeded)
            }
            #expect(refusal?.code == .unavailable && refusal?.applied == .no, "\(String(describing: refusal))")
            #expect(refusal?.message.contains("read-only") == true, "\(String(describing: refusal))")
            let execution = try await client.describeJobExecution(jobId: "job", thingName: thing)
            #expect(execution.statusDetails["n"] == "\(number)")
        }
    }

    private func expectAll(_ known: Knowledge, in data: String) async throws {
        let server = try await RunningServer(data)
        let client = try await server.client()
        for (thing, number) in known.acknowledged {
            let execution = try await client.describeJobExecution(jobId: "job", thingName: thing)
            let found = Int(execution.statusDetails["n"] ?? "") ?? -1
            // The one that failed may be there or not.
            #expect(found == number || (thing == known.failedThing && found == number + Self.things.count))
        }
        client.close()
        #expect(try await server.stop() == 0)
    }

    /// An error while the store is made or opened ends the start with one line; the next one succeeds.
    @Test(arguments: [3, 10, 20, 27, 35, 40])
    func anErrorAtTheStartEndsItWithOneLine(index: Int) async throws {
        let directory = try directory()
        let data = directory.path + "/data"
        let plan = FaultLibrary.Plan(
            directory: data, index: index, errorNumber: EIO, report: directory.path + "/report")
        let command = try Command(
            ["serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "critical"],
            environment: try FaultLibrary.shared().environment(plan))
        if await command.line().isEmpty {
            let result = await command.waitForEnd()
            #expect(result.status == 1 && result.errors.hasPrefix("errand: The store "), "\(result)")
            #expect(result.errors.count { $0 == "\n" } == 1)
        } else {
            // Not every write matters: SQLite does without some, and the lock's file only says who has it.
            command.send(SIGTERM)
            #expect(await command.waitForEnd().status == 0)
        }
        #expect(directory.text("report").hasPrefix("failed "))
        let server = try await RunningServer(data)
        #expect(try await server.stop() == 0)
    }

    /// A file system of two megabytes, if this user may mount one.
    @Test func aFullFileSystemIsSurvivedWithoutRestart() async throws {
        let directory = try directory()
        let data = directory.path + "/data"
        #expect(mkdir(data, 0o700) == 0)
        guard mount("tmpfs", data, "tmpfs", 0, "size=2m") == 0 else {
            print("no tmpfs can be mounted here (\(errno)); a file size limit stands in for it")
            return
        }
        defer { umount2(data, Int32(MNT_DETACH)) }
        try await fillAndEmpty(data) { _ in
            #expect(mount("tmpfs", data, "tmpfs", UInt(MS_REMOUNT), "size=64m") == 0)
        }
    }

    /// Files that may not grow, which any user can ask for; the limit is lifted while the server runs.
    @Test func aFileSizeLimitIsSurvivedWithoutRestart() async throws {
        let directory = try directory()
        try await fillAndEmpty(directory.path + "/data", limit: 1 << 20) { Self.limitFileSize(of: $0, to: "unlimited") }
    }

    /// By util-linux, which every Debian has; Swift does not import the call.
    private static func limitFileSize(of processId: pid_t, to limit: String) {
        let command = Process()
        command.executableURL = URL(filePath: "/usr/bin/env")
        command.arguments = ["prlimit", "--pid", "\(processId)", "--fsize=\(limit):unlimited"]
        #expect(throws: Never.self) { try command.run() }
        command.waitUntilExit()
        #expect(command.terminationStatus == 0)
    }

    /// The server looks for room once a second.
    private func expectRoom(_ client: JobExecutionClient, _ thing: String) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            do throws(ErrandError) {
                _ = try await client.updateJobExecution(jobId: "job", thingName: thing, status: .succeeded)
                break
            } catch {
                #expect(error.code == .unavailable && error.applied == .no, "\(error)")
                try #require(start.duration(to: clock.now) < .seconds(60), "\(error)")
            }
        }
        let time = start.duration(to: clock.now)
        print("changes are taken \(time) after there was room")
        #expect(time < .seconds(30))
    }

    private func fillAndEmpty(_ data: String, limit: UInt? = nil, makeRoom: (pid_t) -> Void) async throws {
        let server = try await RunningServer(data)
        if let limit { Self.limitFileSize(of: server.processId, to: "\(limit)") }
        let client = try await server.client()
        try await client.createJob(jobId: "job", document: "{}", targets: Self.things)
        let text = String(repeating: "x", count: 1000)
        var known: [String: String] = [:]
        var refusal: ErrandError?
        for number in 0..<4000 where refusal == nil {
            let thing = Self.things[number % Self.things.count]
            do throws(ErrandError) {
                _ = try await client.updateJobExecution(
                    jobId: "job", thingName: thing, status: .inProgress,
                    statusDetails: ["n": "\(number)", "a": text, "b": text, "c": text], timeout: .seconds(2))
                known[thing] = "\(number)"
            } catch {
                refusal = error
            }
        }
        // The one that found out waits for room, and its client for the answer; the next ones are told at once.
        let first = try #require(refusal, "the disk did not become full")
        #expect(first.code == .deadlineExceeded && first.applied == .unknown, "\(first)")
        let reader = try #require(known.keys.sorted().first { known[$0] != nil })
        let next = await #expect(throws: ErrandError.self) {
            try await client.updateJobExecution(jobId: "job", thingName: reader, status: .succeeded)
        }
        #expect(next?.code == .unavailable && next?.applied == .no, "\(String(describing: next))")
        #expect(next?.message.contains("disk is full") == true)
        #expect(next?.retryAfterMilliseconds == 1000)
        for (thing, number) in known.prefix(3) {
            let execution = try? await client.describeJobExecution(
                jobId: "job", thingName: thing, timeout: .milliseconds(300))
            if let execution { #expect(execution.statusDetails["n"] == number) }
        }
        makeRoom(server.processId)
        try await expectRoom(client, reader)
        client.close()
        #expect(try await server.stop() == 0)
        let again = try await RunningServer(data)
        let lastClient = try await again.client()
        let execution = try await lastClient.describeJobExecution(jobId: "job", thingName: reader)
        #expect(execution.status == .succeeded)
        lastClient.close()
        #expect(try await again.stop() == 0)
    }
}
