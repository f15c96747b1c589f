import ErrandClient
import ErrandServer
import Glibc
import Testing

/// `errand watch`, run as a process of its own.
@Suite("Watch", .timeLimit(.minutes(2)))
struct WatchCommandTests {
    private static func withServer(_ body: (_ server: String) async throws -> Void) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.loopCount = 1
        let server = try JobExecutionServer.start(configuration)
        try await body("127.0.0.1:\(server.port)")
        await server.stop(graceMilliseconds: 200)
    }

    private static func run(_ server: String, _ arguments: String...) async throws -> Command.Result {
        try await Command(arguments + ["--server", server], input: "{}").waitForEnd()
    }

    /// The revision before the first: the refusal of one that is too old says which are gone.
    private static func begin(_ server: String) async throws -> String {
        let refused = try await run(server, "watch", "--from", "5")
        #expect(refused.status == 1 && refused.errors.hasPrefix("errand: WATCH_COMPACTED: events from 6 to "))
        let words = refused.errors.split(separator: " ")
        return try #require(words.firstIndex(of: "to").map { String(words[$0 + 1]) })
    }

    @Test func changesAreLinesOrObjects() async throws {
        try await Self.withServer { server in
            let begin = try await Self.begin(server)
            _ = try await Self.run(
                server, "job", "create", "a", "--document", "-", "--target", "t1", "--target", "t2")
            _ = try await Self.run(server, "execution", "update", "a", "t1", "--status", "SUCCEEDED", "--detail", "k=v")
            _ = try await Self.run(server, "execution", "cancel", "a", "t2")
            let text = try await Self.run(server, "watch", "--job", "a", "--from", begin)
            let lines = text.output.split(separator: "\n")
            #expect(text.status == 0 && lines.count == 6)
            #expect(lines.first?.hasSuffix("a  job  -> IN_PROGRESS  operator") == true)
            #expect(lines.contains { $0.hasSuffix("a  t1#1  QUEUED -> SUCCEEDED  v2  device  k=v") })
            #expect(lines.last?.hasSuffix("a  job  IN_PROGRESS -> COMPLETED  service") == true)
            let all = try Command(["watch", "--thing", "t2", "--from", begin, "--json", "--server", server])
            #expect(await all.line().contains(#""kind":"execution","thingName":"t2","executionNumber":1,"#))
            #expect(await all.line().contains(#""fromStatus":"QUEUED","toStatus":"CANCELED""#))
            all.send(SIGINT)
            let end = await all.waitForEnd()
            #expect(end.status == 0 && end.errors.hasPrefix("errand: stopped; go on later with --from "))
        }
    }

    @Test func aJobsWatchEndsWithItsJob() async throws {
        try await Self.withServer { server in
            _ = try await Self.run(server, "job", "create", "a", "--document", "-", "--target", "t1")
            _ = try await Self.run(server, "job", "cancel", "a")
            let ended = try await Self.run(server, "watch", "--job", "a")
            #expect(ended.status == 1 && ended.errors == "errand: job a is CANCELED\n")
            let unknown = try await Self.run(server, "watch", "--job", "b")
            #expect(unknown.status == 1 && unknown.errors == "errand: NOT_FOUND: there is no job b\n")
        }
    }

    /// Two things end at once and then nothing happens for long: both are shown.
    @Test func theBarShowsTheLastOfManyChanges() async throws {
        try await Self.withServer { server in
            _ = try await Self.run(
                server, "job", "create", "a", "--document", "-", "--target", "t1", "--target", "t2", "--target", "t3")
            let watch = try Command(["watch", "--job", "a", "--server", server], hasTerminal: true)
            #expect(await watch.says("] 0/3"))
            for thing in ["t1", "t2"] {
                _ = try await Self.run(server, "execution", "update", "a", thing, "--status", "SUCCEEDED")
            }
            #expect(await watch.says("] 2/3  2 ok, 0 failed"))
            _ = try await Self.run(server, "execution", "update", "a", "t3", "--status", "FAILED")
            let end = await watch.waitForEnd()
            #expect(end.status == 0 && end.output.hasPrefix("a: COMPLETED; 3 of 3 ended: 2 succeeded, 1 failed"))
        }
    }

    @Test func aQueueIsShownAsItIsAndAsItChanges() async throws {
        try await Self.withServer { server in
            let watch = try Command(["watch", "--thing", "t1", "--queue", "--server", server])
            #expect(await watch.line() == "pending 0: nothing")
            #expect(await watch.line() == "next: nothing")
            _ = try await Self.run(server, "job", "create", "a", "--document", "-", "--target", "t1")
            #expect(await watch.line() == "pending 1: a#1 QUEUED")
            #expect(await watch.line() == "next: a#1 QUEUED")
            watch.send(SIGTERM)
            #expect(await watch.waitForEnd().status == 0)
        }
    }

    @Test(arguments: [
        ["watch", "--queue"], ["watch", "--from", "x"], ["watch", "--job", "a b"],
        ["watch", "--queue", "--thing", "t", "--from", "1"],
    ])
    func wrongUseEndsWithTwo(arguments: [String]) async throws {
        let result = try await Command(arguments).waitForEnd()
        #expect(result.status == 2 && result.output.isEmpty && result.errors.hasPrefix("errand: "))
    }
}
