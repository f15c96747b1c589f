import ErrandCore
import ErrandStore
import Testing

/// The lists by job and by thing, and the tokens of all three lists.
@Suite(.timeLimit(.minutes(1)))
struct JobExecutionListTests {
    @Test(arguments: StoreUnderTest.allCases, [1, 3, 9, 10, 11, 250] as [UInt32])
    func listForJobIsInTheOrderQueued(_ subject: StoreUnderTest, _ pageCount: UInt32) throws {
        let store = subject.make()
        let things = (0..<10).map { "t\($0 * 7 % 10)" }
        try store.create("j", on: things)
        try store.create("other", on: things)
        var seen: [String] = []
        var token: [UInt8]?
        repeat {
            let page = try #require(try store.listForJob("j", max: pageCount, token: token, at: 0).page)
            #expect(page.executions.allSatisfy { $0.jobId == "j" && $0.retryAttempt == 0 })
            #expect((1...Int(pageCount)).contains(page.executions.count))
            seen += page.executions.map(\.thingName.description)
            token = page.nextToken
        } while token != nil && seen.count < 100
        #expect(seen == things)
    }

    @Test(arguments: StoreUnderTest.allCases, [1, 3, 10, 250] as [UInt32])
    func listForThingIsNewestFirst(_ subject: StoreUnderTest, _ pageCount: UInt32) throws {
        let store = subject.make()
        for index in 0..<10 { try store.create("j\(index)", on: ["t", "u"]) }
        var seen: [String] = []
        var token: [UInt8]?
        repeat {
            let page = try #require(try store.listForThing("t", max: pageCount, token: token, at: 0).page)
            seen += page.executions.map(\.jobId.description)
            token = page.nextToken
            // New ones come before the first page.
            if seen.count < 30 { try store.create("new\(seen.count)", on: ["t"]) }
        } while token != nil && seen.count < 100
        #expect(seen == (0..<10).reversed().map { "j\($0)" })
    }

    @Test(arguments: StoreUnderTest.allCases)
    func statusFilterGivesOnlyThatStatus(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        try store.create("j", on: ["a", "b", "c"])
        try store.update("j", "b", .succeeded, at: 1)
        for status in JobExecutionStatus.allCases {
            let page = try #require(try store.listForJob("j", status: status, at: 2).page)
            let expected = status == .queued ? ["a", "c"] : status == .succeeded ? ["b"] : []
            #expect(page.executions.map(\.thingName.description) == expected && page.nextToken == nil)
            let ofThing = try #require(try store.listForThing("b", status: status, at: 2).page)
            #expect(ofThing.executions.count == (status == .succeeded ? 1 : 0))
        }
    }

    @Test(arguments: StoreUnderTest.withoutRestarts)
    func filteredListLooksAtABoundedNumberPerCall(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        let things = (0..<12_000).map { "t\($0)" }
        try store.create("j", on: things)
        while store.store.advance(to: 0, limit: 10_000).nextDueMilliseconds != nil {}
        try store.update("j", things[11_999], .succeeded, at: 0)
        let first = try #require(try store.listForJob("j", status: .succeeded, at: 0).page)
        #expect(first.executions.isEmpty && first.nextToken != nil)
        var token = first.nextToken
        var found: [JobExecutionSummary] = []
        var callCount = 1
        while let current = token {
            let page = try #require(try store.listForJob("j", status: .succeeded, token: current, at: 0).page)
            found += page.executions
            token = page.nextToken
            callCount += 1
        }
        #expect(found.map(\.thingName.description) == [things[11_999]])
        #expect(callCount == 3)
    }

    @Test(arguments: StoreUnderTest.allCases)
    func unknownJobIsNotFoundAndUnknownThingIsEmpty(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        #expect(try store.listForJob("j", at: 0).refusal?.code == .notFound)
        #expect(try store.listForThing("t", at: 0).page == JobExecutionPage(executions: [], nextToken: nil))
    }

    /// Every list is given tokens of the other lists, of other things and jobs, cut and bent ones, and noise.
    @Test(arguments: StoreUnderTest.allCases)
    func tokenThatIsNotOfThisListIsRefused(_ subject: StoreUnderTest) throws {
        let store = subject.make()
        for job in ["x", "y", "z"] { try store.create(job, on: ["x", "y", "z"]) }
        func ask(_ list: Int, _ name: String, _ token: [UInt8]?) throws -> StoreOutcome {
            switch list {
            case 0: try store.listForJob(name, max: 1, token: token, at: 0)
            case 1: try store.listForThing(name, max: 1, token: token, at: 0)
            default: try store.pending(name, max: 1, token: token, at: 0)
            }
        }
        var foreign: [[UInt8]] = [[], [0], Array(repeating: 0, count: 64), Array(repeating: 255, count: 64)]
        var own: [[UInt8]] = []
        for list in 0..<3 {
            for name in ["x", "y"] {
                let first = try ask(list, name, nil)
                let token = try #require(first.page?.nextToken ?? first.pending?.nextToken)
                #expect(token.count <= FieldLimits.nextTokenByteCountMax)
                #expect(try ask(list, name, token).refusal == nil)
                own.append(token)
            }
        }
        var generator = SeededGenerator(seed: 7)
        for token in own {
            for index in token.indices {
                var bent = token
                bent[index] ^= UInt8.random(in: 1...255, using: &generator)
                foreign.append(bent)
                foreign.append(Array(token.prefix(index)))
            }
            foreign.append(token + [0])
        }
        for _ in 0..<500 {
            let count = Int.random(in: 0...40, using: &generator)
            foreign.append((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
        for list in 0..<3 {
            for (index, token) in own.enumerated() where index != list * 2 {
                #expect(try ask(list, "x", token).refusal?.code == .invalidRequest)
            }
            for token in foreign { #expect(try ask(list, "z", token).refusal?.code == .invalidRequest) }
            let unknown = try ask(list, "unknown", [1, 2, 3]).refusal
            #expect(unknown?.code == (list == 0 ? .notFound : .invalidRequest))
        }
    }
}

/// The same numbers on every run, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
