import ErrandServer
import Foundation
import Testing

/// The commands for jobs as a script would use them.
@Suite("Job commands", .timeLimit(.minutes(2)))
struct JobCommandTests {
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

    private static func run(_ server: String, _ arguments: String...) async throws -> Command.Result {
        try await Command(arguments + ["--server", server], input: "{}").waitForEnd()
    }

    @Test func everyPartOfAConfigurationIsGivenAndShown() async throws {
        try await Self.withServer { server in
            let created = try await Self.run(
                server, "job", "create", "fw", "--document", "-", "--target", "t1", "--target", "t2", "--description",
                "all", "--in-progress-timeout-minutes", "20", "--retry", "FAILED=3", "--retry", "TIMED_OUT=2",
                "--max-per-minute", "100", "--base-rate-per-minute", "50", "--increment-factor", "1.5",
                "--increase-after-notified", "10", "--abort", "FAILED=50%,min=4", "--abort", "all=12.25%,min=9")
            #expect(created.status == 0 && created.output == "created fw for 2 targets\n")
            let json = try await Self.run(server, "job", "describe", "fw", "--json").output
            #expect(json.contains(#""timeoutConfig":{"inProgressTimeoutInMinutes":20}"#))
            #expect(
                json.contains(
                    #""jobExecutionsRetryConfig":{"criteriaList":[{"failureType":"FAILED","numberOfRetries":3},"#
                        + #"{"failureType":"TIMED_OUT","numberOfRetries":2}]}"#))
            #expect(
                json.contains(
                    #""jobExecutionsRolloutConfig":{"maximumPerMinute":100,"exponentialRate":{"baseRatePerMinute":50,"#
                        + #""incrementFactor":1.5,"rateIncreaseCriteria":{"numberOfNotifiedThings":10}}}"#))
            #expect(
                json.contains(
                    #""abortConfig":{"criteriaList":[{"failureType":"FAILED","action":"CANCEL","#
                        + #""thresholdPercentage":50,"minNumberOfExecutedThings":4},{"failureType":"ALL","#
                        + #""action":"CANCEL","thresholdPercentage":12.25,"minNumberOfExecutedThings":9}]}"#))
            let text = try await Self.run(server, "job", "describe", "fw").output
            #expect(text.contains("50 a minute, times 1.5 for each 10 queued, up to 100"))
            #expect(text.contains("FAILED 3 times, TIMED_OUT 2 times") && text.contains("12.25 % ALL of 9 or more"))
            let updated = try await Self.run(
                server, "job", "update", "fw", "--max-per-minute", "7", "--end-retries", "--clear-abort", "--json")
            #expect(updated.status == 0)
            #expect(updated.output.contains(#""jobExecutionsRolloutConfig":{"maximumPerMinute":7}"#))
            #expect(!updated.output.contains("abortConfig"))
        }
    }

    @Test func aThingsNameMayBeginWithADash() async throws {
        try await Self.withServer { server in
            let created = try await Self.run(
                server, "job", "create", "fw", "--document", "-", "--target", "-p1", "--target", "--force")
            #expect(created.status == 0 && created.output == "created fw for 2 targets\n")
            let list = try await Self.run(server, "execution", "list", "--thing", "-p1")
            #expect(list.status == 0 && list.output.contains("fw"))
        }
    }

    @Test func benchFindsItsServerInTheEnvironment() async throws {
        try await Self.withServer { server in
            let result = try await Command.run(
                "bench", "--things", "100", "--connections", "2", "--in-flight", "2", "--seconds", "1", "--warm-up",
                "0", "--json", environment: ["ERRAND_SERVER=\(server)"])
            #expect(result.status == 0 && result.errors.isEmpty && result.output.hasPrefix(#"{"calls":"#))
        }
        let nobody = try FakeServer(.refuses)
        let result = try await Command.run(
            "bench", "--things", "100", "--timeout", "2s", "--json", environment: ["ERRAND_SERVER=\(nobody.address)"])
        #expect(result.status == 3 && result.errors.hasPrefix(#"{"code":"UNAVAILABLE","message":"#))
    }

    /// Two calls at a time are not a million a second: what is late was due long before it could be sent.
    @Test func anOpenLoopCountsFromTheMomentOfItsCalls() async throws {
        try await Self.withServer { server in
            let result = try await Self.run(
                server, "bench", "--things", "100", "--connections", "2", "--in-flight", "1", "--seconds", "1",
                "--warm-up", "0", "--rate", "1000000", "--json")
            #expect(result.status == 0 && result.errors.isEmpty)
            let fields = try #require(
                JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            let calls = try #require(fields["calls"] as? Int)
            let p99 = try #require(fields["p99Microseconds"] as? Double)
            #expect(calls > 0 && calls < 900_000 && p99 > 100_000)
            #expect(fields["allCalls"] as? Int == fields["serverCalls"] as? Int)
        }
    }

    @Test func jobsEndByCommand() async throws {
        try await Self.withServer { server in
            for job in ["a", "b"] {
                _ = try await Self.run(
                    server, "job", "create", job, "--document", "-", "--target", "t1", "--target", "t2")
            }
            #expect(try await Self.run(server, "job", "document", "a").output == "{}\n")
            #expect(try await Self.run(server, "job", "document", "a", "--json").output == "{\"document\":\"{}\"}\n")
            let removed = try await Self.run(
                server, "job", "remove-targets", "a", "--target", "t1", "--target", "x", "--json")
            #expect(removed.output == "{\"jobId\":\"a\",\"removedCount\":1}\n")
            let canceled = try await Self.run(
                server, "job", "cancel", "a", "--force", "--reason-code", "RECALLED", "--comment", "bad", "--json")
            #expect(canceled.status == 0 && canceled.output.contains(#""status":"CANCELED""#))
            #expect(canceled.output.contains(#""reasonCode":"RECALLED","comment":"bad","forceCanceled":true"#))
            #expect(canceled.output.contains(#""attempts":{"QUEUED":0"#))
            let list = try await Self.run(server, "job", "list", "--status", "canceled", "--json")
            #expect(list.output.hasPrefix(#"{"jobs":[{"jobId":"a","status":"CANCELED","#))
            #expect(try await Self.run(server, "job", "list").output.split(separator: "\n").count == 3)
            let refused = try await Self.run(server, "job", "delete", "b")
            #expect(refused.status == 1 && refused.errors.hasPrefix("errand: INVALID_STATE_TRANSITION: "))
            #expect(try await Self.run(server, "job", "delete", "b", "--force").output == "deleted b\n")
            #expect(try await Self.run(server, "job", "describe", "b").status == 1)
        }
    }

    @Test func anExecutionsHistoryIsShownAndItIsDeleted() async throws {
        try await Self.withServer { server in
            _ = try await Self.run(server, "job", "create", "a", "--document", "-", "--target", "t1")
            _ = try await Self.run(server, "execution", "update", "a", "t1", "--status", "FAILED", "--detail", "k=v")
            _ = try await Self.run(server, "execution", "update", "a", "t1", "--status", "SUCCEEDED")
            let json = try await Self.run(server, "execution", "history", "a", "t1", "--json").output
            #expect(json.hasPrefix(#"{"history":[{"kind":"change","actor":"service","at":"#))
            #expect(
                json.contains(
                    #""fromStatus":"QUEUED","toStatus":"FAILED","versionNumber":2,"statusDetails":{"k":"v"}"#))
            #expect(json.contains(#""kind":"refusedReport","actor":"device""#))
            #expect(json.hasSuffix(#""droppedCount":0}"# + "\n"))
            let text = try await Self.run(server, "execution", "history", "a", "t1", "--number", "1").output
            #expect(text.contains("SUCCEEDED (refused)") && text.contains("k=v"))
            let deleted = try await Self.run(server, "execution", "delete", "a", "t1", "--number", "1")
            #expect(deleted.status == 0 && deleted.output == "deleted execution 1 of a on t1\n")
            #expect(try await Self.run(server, "execution", "describe", "a", "t1").status == 1)
        }
    }

    @Test(arguments: [
        (["--target", "arn:aws:iot:eu-central-1:1:thinggroup/presses"], "thing groups are not supported"),
        (["--target", "presses/all"], "thing groups are not supported"),
        (["--target", "t", "--continuous"], "continuous jobs are not supported"),
        (["--target", "t", "--retry", "FAILED"], "'FAILED' is not TYPE=COUNT such as FAILED=3"),
        (["--target", "t", "--abort", "FAILED=50,min=4"], "is not TYPE=PERCENT%,min=COUNT"),
        (["--target", "t", "--abort", "SOON=50%,min=4"], "'SOON' is not one of FAILED, REJECTED, TIMED_OUT, ALL"),
        (["--target", "t", "--increment-factor", "1.55"], "is not a number from 1.1 to 5"),
        (["--target", "t", "--max-per-minute", "5", "--increment-factor", "1.5"], "an exponential rate needs"),
        (["--targets-file", "/dev/null"], "names none"),
    ])
    func whatCannotBeIsSaidClearly(arguments: [String], message: String) async throws {
        let result = try await Command(["job", "create", "fw", "--document", "/dev/null"] + arguments).waitForEnd()
        #expect(result.status == 2 && result.output.isEmpty && result.errors.count { $0 == "\n" } == 1)
        #expect(result.errors.contains(message))
    }

    @Test(arguments: [
        ["job", "update", "fw"], ["job", "update", "fw", "--abort", "ALL=1%,min=1", "--clear-abort"],
        ["job", "list", "--status", "QUEUED"], ["job", "remove-targets", "fw"],
        ["execution", "delete", "fw", "t"], ["execution", "history", "fw"],
    ])
    func wrongUseEndsWithTwo(arguments: [String]) async throws {
        let result = try await Command(arguments).waitForEnd()
        #expect(result.status == 2 && result.output.isEmpty && result.errors.hasPrefix("errand: "))
    }
}
