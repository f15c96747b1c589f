import ErrandCore
import Testing

/// That the checker catches what it is there for, and that the store as it is passes the very same schedules.
@Suite(.timeLimit(.minutes(2)))
struct PlantedBugTests {
    private static func violations(_ flaw: Flaw, rounds: Int = 12) throws -> Set<Violation.Kind> {
        let seed = newSeed("\(flaw)")
        let schedule = try CrashSchedule(seed: seed, flaw: flaw)
        let violations = try schedule.run(rounds: rounds)
        #expect(flaw == .acknowledgesBeforeSync || schedule.stoppedCallCount > 0, "no call met a crash")
        if flaw == .none { for violation in violations { Issue.record("seed \(seed): \(violation)") } }
        return Set(violations.map(\.kind))
    }

    @Test(arguments: 0..<10)
    func theStoreAsItIsPasses(run: Int) throws {
        #expect(try Self.violations(.none, rounds: 20).isEmpty)
    }

    @Test func aChangeAcknowledgedBeforeTheSyncIsCaught() throws {
        let kinds = try Self.violations(.acknowledgesBeforeSync)
        #expect(!kinds.isDisjoint(with: [.lost, .twoTruths]), "\(kinds)")
    }

    @Test func aReadOfAChangeThatIsNotDurableIsCaught() throws {
        let kinds = try Self.violations(.showsWhatIsNotDurable)
        #expect(!kinds.isDisjoint(with: [.lost, .twoTruths]), "\(kinds)")
    }

    @Test func aForgottenIdempotencyKeyIsCaught() throws {
        #expect(try Self.violations(.forgetsKeys).contains(.appliedTwice))
    }

    @Test func aSkippedEventIsCaught() throws {
        #expect(try Self.violations(.skipsEvents).contains(.eventMissing))
    }
}
