import ErrandClient
import ErrandCore
import Logging
import Synchronization
import Testing

@testable import errand

@Suite("Output", .timeLimit(.minutes(2)))
struct OutputTests {
    @Test(arguments: [
        (1_795_394_765_863, "1795394765.863"), (1_795_394_765_100, "1795394765.100"),
        (1_795_394_765_000, "1795394765.000"),
        (7, "0.007"), (0, "0.000"), (-1, "-0.001"), (-1500, "-1.500"), (Int64.max, "9223372036854775.807"),
        (Int64.min, "-9223372036854775.808"),
    ])
    func secondsAreExact(milliseconds: Int64, text: String) {
        #expect(Seconds.exact(milliseconds) == text)
    }

    @Test func jsonTextIsEscaped() {
        let text = JSONWriter.text { $0.value("a\"b\\c\n\t\r\u{0}\u{7F}\u{1B}ü€😀\u{202E}\u{2028}\u{E0001}") }
        #expect(text == #""a\"b\\c\n\t\r\u0000\u007f\u001bü€😀\u202e\u2028\udb40\udc01""#)
    }

    @Test func jsonHasItsCommasAndLeavesOutWhatIsAbsent() {
        let text = JSONWriter.text { json in
            json.object { json in
                json.member("none", String?.none)
                json.member("a", 1)
                json.key("list")
                json.array { json in
                    json.value("x")
                    json.object { _ in }
                    json.array { $0.value(true) }
                }
                json.member("b", false)
            }
        }
        #expect(text == #"{"a":1,"list":["x",{},[true]],"b":false}"#)
    }

    private func execution() throws -> JobExecution {
        JobExecution(
            jobId: try JobId("fw"), thingName: try ThingName("t:1"), executionNumber: 1, status: .inProgress,
            forceCanceled: false, statusDetails: try StatusDetails([(key: "progress", value: "40/100")]),
            queuedAtMilliseconds: 1000, startedAtMilliseconds: 1500, lastUpdatedAtMilliseconds: 1_795_394_765_863,
            versionNumber: 3, approximateSecondsBeforeTimedOut: 60, retryAttempt: 0, thingArnPrefix: "arn:x")
    }

    @Test func executionHasTheNamesOfAWS() throws {
        var execution = try execution()
        #expect(
            JSONWriter.text { $0.append(execution) }
                == #"{"jobId":"fw","thingArn":"arn:x:thing/t:1","thingName":"t:1","status":"IN_PROGRESS","#
                + #""forceCanceled":false,"statusDetails":{"progress":"40/100"},"queuedAt":1.000,"startedAt":1.500,"#
                + #""lastUpdatedAt":1795394765.863,"versionNumber":3,"executionNumber":1,"#
                + #""approximateSecondsBeforeTimedOut":60,"retryAttempt":0}"#)
        execution.startedAtMilliseconds = nil
        execution.approximateSecondsBeforeTimedOut = nil
        let text = JSONWriter.text { $0.append(execution) }
        #expect(!text.contains("startedAt") && !text.contains("approximateSecondsBeforeTimedOut"))
    }

    @Test func peerCannotWriteControlCharactersToTheTerminal() throws {
        var execution = try execution()
        execution.thingArnPrefix = "arn\u{1B}[2J"
        execution.jobDocument = "{\n\t\"a\":\u{9B}1}"
        let lines = ExecutionText.lines(execution)
        #expect(lines.contains { $0.hasSuffix(#"arn\u{1b}[2J:thing/t:1"#) })
        #expect(lines.suffix(2) == ["  {", "  \t\"a\":\\u{9b}1}"])
        #expect(EscapedText.line("a\nb\u{202E}ü") == #"a\u{a}b\u{202e}ü"#)
    }

    @Test func failureCarriesTheState() throws {
        let state = JobExecutionState(
            status: .inProgress, versionNumber: 3, executionNumber: 1,
            statusDetails: try StatusDetails([(key: "step", value: "verify")]))
        let error = ErrandError(.versionMismatch, "expected version 1, the current version is 3", executionState: state)
        #expect(
            CommandFailure(error, asJSON: false).line
                == "errand: VERSION_MISMATCH: expected version 1, the current version is 3 "
                + "(IN_PROGRESS, version 3, execution 1, details step=verify)")
        #expect(
            CommandFailure(error, asJSON: true).line
                == #"{"code":"VERSION_MISMATCH","message":"expected version 1, the current version is 3","applied":"no","#
                + #""executionState":{"status":"IN_PROGRESS","statusDetails":{"step":"verify"},"versionNumber":3,"executionNumber":1}}"#
        )
        #expect(CommandFailure(error, asJSON: true).status == .refused)
    }

    @Test(arguments: StatusCode.allCases)
    func onlyWhatNobodyAnsweredIsUnreachable(code: StatusCode) {
        let isUnreachable: Set<StatusCode> = [.unavailable, .deadlineExceeded, .protocolError]
        #expect(ExitStatus(code) == (isUnreachable.contains(code) ? .unreachable : .refused))
    }

    @Test func columnsAreAligned() {
        var table = TextTable([("NAME", .left), ("COUNT", .right), ("REST", .left)])
        #expect(table.add(["a", "1", "x"]).isEmpty)
        #expect(table.add(["longer", "1000000", "yy"]).isEmpty)
        #expect(
            table.finish() == ["NAME      COUNT  REST", "a             1  x", "longer  1000000  yy"])
        #expect(table.add(["b", "2", "z"]) == ["b             2  z"])
        #expect(table.finish().isEmpty)
    }

    @Test func longTableIsPrintedAsItGrows() {
        var table = TextTable([("N", .right)])
        let lines = (1...600).map { table.add([String($0)]).count }
        #expect(lines[248] == 0 && lines[249] == 251 && lines[250] == 1)
        #expect(lines.reduce(0, +) + table.finish().count == 601)
    }

    @Test func localTimeIsISO() throws {
        let text = LocalTime.text(1_795_394_765_863)
        #expect(text.contains(/^2026-11-2[23]T\d\d:\d\d:05\.863[+-]\d\d:\d\d$/))
        #expect(LocalTime.text(-1).contains(/:59\.999[+-]/))
    }

    @Test func progressLineHasABar() {
        #expect(ProgressLine.text("things", 50, 100, "") == "things [###############...............] 50/100")
        #expect(ProgressLine.text("things", 7, 0, "x").hasSuffix("7/0  x"))
    }

    @Test func logLinesCannotBeForged() {
        let seen = SeenEvents()
        let logger = Logger(label: "test") { _ in EscapingLogHandler(RecordingLogHandler(seen: seen)) }
        logger.notice("closed\n2026 forged", metadata: ["peer": "a\u{1B}[2J"])
        #expect(seen.texts.withLock { $0 } == [#"closed\u{a}2026 forged peer=a\u{1b}[2J"#])
    }
}

private final class SeenEvents: Sendable {
    let texts = Mutex<[String]>([])
}

private struct RecordingLogHandler: LogHandler {
    let seen: SeenEvents
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    var metadataProvider: Logger.MetadataProvider?

    init(seen: SeenEvents) { self.seen = seen }

    func log(event: LogEvent) {
        let pairs = (event.metadata ?? [:]).map { " \($0.key)=\($0.value)" }.joined()
        seen.texts.withLock { $0.append(event.message.description + pairs) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
