import ErrandCore
import Testing

/// That the checker catches what it is there for, and that the store as it is passes the very same schedules.
@Suite(.timeLimit(.minutes(20)))
struct PlantedBugTests {
    private static func violations(_ flaw: Flaw, rounds: Int = 12) throws -> Set<Violation.Kind> {
        let seed = newSeed("\(flaw)")
        let schedule = try CrashSchedule(seed: seed, flaw: flaw)
        let violations = try schedule.run(rounds: rounds)
        #expect(flaw == .acknowledgesBeforeSync || schedule.stoppedCallCount > 0, "no call met a crash")
        if flaw == .none { for violation in violations { Issue.record("seed \(seed): \(violation)") } }
        return Set(violations.map(\.kind))
    }

    /// Whether one of these is found. A schedule may happen to meet nothing of a bug, so there are more of them.
    private static func finds(_ kinds: Set<Violation.Kind>, of flaw: Flaw) throws -> Bool {
        for _ in 0..<20 where try !violations(flaw).isDisjoint(with: kinds) { return true }
        return false
    }

    @Test(arguments: 0..<10)
    func theStoreAsItIsPasses(run: Int) throws {
        #expect(try Self.violations(.none, rounds: 20).isEmpty)
    }

    @Test func aChangeAcknowledgedBeforeTheSyncIsCaught() throws {
        #expect(try Self.finds([.lost, .twoTruths], of: .acknowledgesBeforeSync))
    }

    @Test func aReadOfAChangeThatIsNotDurableIsCaught() throws {
        #expect(try Self.finds([.lost, .twoTruths], of: .showsWhatIsNotDurable))
    }

    @Test func aForgottenIdempotencyKeyIsCaught() throws {
        #expect(try Self.finds([.appliedTwice], of: .forgetsKeys))
    }

    @Test func aSkippedEventIsCaught() throws {
        #expect(try Self.finds([.eventMissing], of: .skipsEvents))
    }
}
