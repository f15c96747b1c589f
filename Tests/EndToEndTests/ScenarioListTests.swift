import ErrandTestSupport
import Foundation
import Testing

/// Every scenario of CONFORMANCE.md §3 has a test: this table says which, and a name that is missing here, or a test
/// that is gone, fails.
@Suite(.timeLimit(.minutes(1)))
struct ScenarioListTests {
    private let tests = [
        "handshake": "whatWasNotOfferedIsNotChosen",
        "handshake-options": "whatWasNotOfferedIsNotChosen",
        "handshake-refused": "everyFaultyStreamIsNamedAndClosed",
        "handshake-slow": "aHandshakeThatDripsGetsNoMoreTime",
        "foreign-protocol": "everyFaultyStreamIsNamedAndClosed",
        "pipelining": "fiveHundredCallsInOneWriteComeBackInFewSegments",
        "pipelining-order": "aThousandUpdatesToFiftyExecutionsApplyInSendOrder",
        "window": "aSegmentAboveTheWindowRunsNoneOfItsCalls",
        "window-return": "creditReturnsWithEveryReply",
        "ids": "callsBeforeARepeatedIdKeepTheirEffect",
        "unknown-opcode": "anUnknownOpcodeIsUnimplementedAndTheConnectionLives",
        "malformed-lives": "malformedCallsAreRefusedAndTheConnectionLives",
        "malformed-control": "malformedControlMessagesCloseTheConnection",
        "stale-version": "staleVersion",
        "cancel-race": "cancelRace",
        "cancel-rules": "cancelRules",
        "start-next-repeat": "startNextRepeat",
        "own-view": "ownView",
        "timers": "timers",
        "paging": "paging",
        "batch": "aBatchAnswersEachItemInOrder",
        "staged-job": "stagedJob",
        "deadline-and-cancel": "aDeadlineThatHasPassedIsRefusedAndCancelCallIsHarmless",
        "drain": "underLoadEveryPromisedCallIsAnsweredOnce",
        "hostile-peers": "clientsThatNeverReadDoNotGrowTheServer",
        "hostile-server": "everyFaultyStreamIsATypedError",
        "compression-equality": "compressionEquality",
        "idempotent-retry": "theSameKeyOnAnotherConnectionChangesNothingTwice",
        "idempotency-conflict": "aKeyBelongsToOneRequestButARefusedOneIsForgotten",
        "idempotency-memory": "eightKeysOfAnExecutionAreRemembered",
        "rollout-rate": "aRolloutOfTwoAMinuteQueuesTwoInAnyMinute",
        "abort": "anAbortAtHalfOfAtLeastFourFiresExactlyThere",
        "retry-counts": "retriesAreNewAttemptsAndTheCountersSum",
        "cancel-job": "jobsAreCanceledListedAndDeleted",
        "delete-job": "jobsAreCanceledListedAndDeleted",
        "delete-execution": "anExecutionsHistoryTellsEverythingAndItGoesWithIt",
        "remove-targets": "anyNumberOfThingsIsRemovedFromAJob",
        "update-job": "aJobsConfigurationComesBackAndIsChanged",
        "watch-everything": "aJobIsToldOfFromItsBirthToItsEnd",
        "watch-scopes": "watchersBehindRandomCutsMissNothing",
        "watch-resume": "watchersBehindRandomCutsMissNothing",
        "watch-compacted": "aRevisionThatIsNotKeptIsRefused",
        "watch-credit": "eventsComeAsFarAsTheCreditGoes",
        "watch-end": "eventsComeAsFarAsTheCreditGoes",
        "watch-queue": "aQueueIsToldOfAsTheTableSays",
        "watch-drain": "watchesAreCountedAndEndWithTheServer",
        "watch-cancel-job": "aCancelIsToldJobFirst",
        "watch-limit": "watchesAreCountedAndEndWithTheServer",
        "late-report-history": "anExecutionsHistoryTellsEverythingAndItGoesWithIt",
    ]

    @Test func everyScenarioHasATest() throws {
        let text = try String(contentsOfFile: "\(VectorFile.folder)/CONFORMANCE.md", encoding: .utf8)
        let section = try #require(text.range(of: "## 3 Scenarios"))
        let names = text[section.upperBound...].split(separator: "\n")
            .filter { $0.hasPrefix("| `") }
            .compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(names.count > 20)
        #expect(Set(names) == Set(tests.keys))
        let folder = URL(fileURLWithPath: VectorFile.folder).deletingLastPathComponent().appendingPathComponent("Tests")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var sources = ""
        for case let file as URL in files where file.pathExtension == "swift" {
            sources += try String(contentsOf: file, encoding: .utf8)
        }
        for (scenario, test) in tests { #expect(sources.contains("func \(test)("), "\(scenario)") }
    }
}
