import ErrandClient
import Testing

@testable import errand

@Suite("Arguments", .timeLimit(.minutes(2)))
struct ArgumentTests {
    @Test(arguments: [
        ("127.0.0.1:5740", "127.0.0.1", 5740), ("localhost:0", "localhost", 0), ("[::1]:5740", "::1", 5740),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ])
    func addressHasHostAndPort(text: String, host: String, port: UInt16) throws {
        let address = try HostPort(text)
        #expect(address == HostPort(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", "localhost", "localhost:", ":5740", "::1:5740", "[::1]", "[::1]5740", "[::1:5740", "[localhost]:1",
        "localhost:65536", "localhost:-1", "localhost:+1", "localhost:5740x", "a b:1", "localhost:٣", "\u{1B}[2J:1",
    ])
    func badAddressIsRefused(text: String) {
        #expect(throws: BadArgument.self) { try HostPort(text) }
    }

    @Test func serverOnPortZeroIsRefused() {
        #expect(throws: BadArgument.self) { try HostPort.ofServer("localhost:0") }
    }

    @Test(arguments: [
        ("500ms", 500), ("60s", 60_000), ("2m", 120_000), ("1h", 3_600_000), ("168h", 604_800_000), ("1ms", 1),
    ])
    func durationIsReadAndWritten(text: String, milliseconds: Int64) throws {
        #expect(try TimeSpan(text).milliseconds == milliseconds)
        #expect(try TimeSpan(TimeSpan(text).description).milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "5", "s", "0s", "-1s", "1.5s", "1 s", "169h", "99999999999999999999h", "9223372036854775807h", "5d", "٣s",
    ])
    func badDurationIsRefused(text: String) {
        #expect(throws: BadArgument.self) { try TimeSpan(text) }
    }

    @Test func detailIsCutAtItsFirstEqualsSign() throws {
        let detail = try Detail("url=https://a/?b=c==")
        #expect(detail.key == "url")
        #expect(detail.value == "https://a/?b=c==")
    }

    @Test(arguments: ["", "key", "=value", "key="])
    func badDetailIsRefused(text: String) {
        #expect(throws: BadArgument.self) { try Detail(text) }
    }

    @Test func detailsKeepTheirOrderAndNoneLeavesThemOut() throws {
        let details = try Detail.statusDetails(["b=2", "a=1"].map { try Detail($0) })
        #expect(details?.pairs.map(\.key) == ["b", "a"])
        #expect(try Detail.statusDetails([]) == nil)
        #expect(throws: CommandFailure.self) { try Detail.statusDetails([Detail("a=1"), Detail("a=2")]) }
    }

    @Test func nextSelectsNoJob() throws {
        #expect(try JobSelector("$next") == .next)
        #expect(try JobSelector("job-1") == .id(JobId("job-1")))
        #expect(throws: InvalidField.self) { try JobSelector("$other") }
    }

    @Test func statusIsFoundInAnyCase() throws {
        #expect(try JobExecutionStatus.named("in_progress") == .inProgress)
        #expect(throws: BadArgument.self) { try JobExecutionStatus.named("DONE") }
    }

    @Test func targetsFileSkipsBlankLinesAndComments() throws {
        let file = try TemporaryFile("# fleet\n\na:1\r\n  b-2\t\n   # no\nc_3")
        var list = TargetList([try ThingName("first")])
        try list.append(fromFile: file.path)
        #expect(list.names.map(\.description) == ["first", "a:1", "b-2", "c_3"])
    }

    @Test(arguments: ["good\nbad name\n", "good\nna\u{EF}ve", "good\n" + String(repeating: "x", count: 100_000)])
    func badTargetNamesItsLine(text: String) throws {
        let file = try TemporaryFile(text)
        var list = TargetList([])
        do throws(CommandFailure) {
            try list.append(fromFile: file.path)
            Issue.record("a bad name was taken")
        } catch {
            #expect(error.status == .usage)
            #expect(error.line.contains("line 2: ") || error.line.contains("line 2 is"))
        }
    }

    @Test func textThatIsTooLongOrNotUTF8IsRefused() throws {
        let short = try TemporaryFile("{}")
        #expect(try InputFile.text(short.path, byteCountMax: 2) == "{}")
        #expect(throws: CommandFailure.self) { try InputFile.text(short.path, byteCountMax: 1) }
        let binary = try TemporaryFile([0x22, 0xFF, 0x22])
        #expect(throws: CommandFailure.self) { try InputFile.text(binary.path, byteCountMax: 100) }
    }
}
