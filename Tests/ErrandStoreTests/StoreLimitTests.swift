import ErrandCore
import ErrandStore
import Testing

/// SPEC §12: how much a store takes in, and how much one call may cost it.
@Suite(.timeLimit(.minutes(1)))
struct StoreLimitTests {
    private func store(_ change: (inout StoreLimits) -> Void) -> StoreDriver {
        var limits = StoreLimits()
        change(&limits)
        return StoreDriver(
            MemoryExecutionStore(rules: ExecutionRules(minuteLengthMilliseconds: 60_000), limits: limits))
    }

    private func create(
        _ store: StoreDriver, _ jobId: String, _ things: [String] = ["t"], of count: UInt32? = nil, retries: UInt8 = 0,
        at now: Int64 = 0
    ) throws -> StoreOutcome {
        var configuration = JobConfiguration()
        if retries > 0 {
            configuration.retryCriteria = [RetryCriterion(failureType: .failed, numberOfRetries: retries)]
        }
        let request = CreateJobRequest(
            jobId: try JobId(jobId), document: "{}", configuration: configuration,
            targetCount: count ?? UInt32(things.count), targets: try things.map { try ThingName($0) })
        return store.outcome(of: .createJob(request), at: now)
    }

    private func complete(_ store: StoreDriver, _ jobId: String, _ thing: String, at now: Int64) throws -> StoreOutcome
    {
        let request = AddJobTargetsRequest(jobId: try JobId(jobId), targetOffset: 1, targets: [try ThingName(thing)])
        return store.outcome(of: .addJobTargets(request), at: now)
    }

    private func expectRefused(
        _ outcome: StoreOutcome, _ limit: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.refusal?.code == .limitExceeded, sourceLocation: sourceLocation)
        #expect(outcome.refusal?.message.contains(limit) == true, sourceLocation: sourceLocation)
    }

    @Test func jobsAreCountedUntilTheyAreDeleted() throws {
        let store = store { $0.jobCountMax = 2 }
        for job in ["a", "b"] { #expect(try create(store, job).receipt != nil) }
        expectRefused(try create(store, "c"), "jobCountMax is 2")
        // The same again is no new job, and other content is told so.
        #expect(try create(store, "b").receipt != nil)
        #expect(try create(store, "b", ["u"]).refusal?.code == .alreadyExists)
        try store.deleteJob("a", force: true, at: 1)
        #expect(try create(store, "c").receipt != nil)
        expectRefused(try create(store, "d"), "jobCountMax")
    }

    @Test func stagedJobsAreCountedUntilTheyAreCompleteOrDropped() throws {
        let store = store { $0.stagedJobCountMax = 2 }
        for job in ["a", "b"] { #expect(try create(store, job, of: 2).receipt?.isComplete == false) }
        expectRefused(try create(store, "c", of: 2), "stagedJobCountMax is 2")
        // One that need not wait has nothing to do with it.
        #expect(try create(store, "whole").receipt?.isComplete == true)
        #expect(try complete(store, "a", "u", at: 1).receipt?.isComplete == true)
        #expect(try create(store, "c", of: 2, at: 1).receipt != nil)
        expectRefused(try create(store, "d", of: 2, at: 1), "stagedJobCountMax")
        // Dropped by CreateJob itself if `advance` has not come by.
        let later = ServerLimits.stagedJobTimeoutMilliseconds
        #expect(try create(store, "d", of: 2, at: later).receipt != nil)
        expectRefused(try create(store, "e", of: 2, at: later), "stagedJobCountMax")
        _ = store.store.advance(to: later * 2, limit: 100)
        for job in ["e", "f"] { #expect(try create(store, job, of: 2, at: later * 2).receipt != nil) }
        expectRefused(try create(store, "g", of: 2, at: later * 2), "stagedJobCountMax")
    }

    @Test func targetsOfStagedJobsAreCountedAsAnnounced() throws {
        let store = store { $0.stagedTargetCountMax = 10 }
        #expect(try create(store, "a", of: 2).receipt != nil)
        expectRefused(try create(store, "b", of: 9), "stagedTargetCountMax is 10")
        #expect(try create(store, "b", of: 8).receipt != nil)
        expectRefused(try create(store, "c", of: 2), "stagedTargetCountMax")
        #expect(try create(store, "whole", (0..<20).map { "t\($0)" }).receipt?.isComplete == true)
        #expect(try complete(store, "a", "u", at: 1).receipt?.isComplete == true)
        #expect(try create(store, "c", of: 2, at: 1).receipt != nil)
    }

    @Test func executionsAreCountedWithTheirRetriesUntilTheJobIsDeleted() throws {
        let store = store { $0.executionCountMax = 10 }
        expectRefused(try create(store, "a", ["t", "u"], retries: 5), "executionCountMax is 10")
        #expect(try create(store, "a", ["t", "u"], retries: 3).receipt != nil)
        expectRefused(try create(store, "b", ["t", "u", "v"]), "executionCountMax")
        #expect(try create(store, "b", ["t"], of: 2).receipt != nil)
        expectRefused(try create(store, "c"), "executionCountMax")
        _ = store.store.advance(to: ServerLimits.stagedJobTimeoutMilliseconds, limit: 100)
        #expect(try create(store, "c", ["t", "u"]).receipt != nil)
        try store.deleteJob("a", force: true, at: 1)
        #expect(try create(store, "d", (0..<8).map { "t\($0)" }).receipt != nil)
        expectRefused(try create(store, "e"), "executionCountMax")
    }

    // MARK: The list of a thing

    /// The token's own execution may be deleted between two pages; then the way to its place counts too.
    @Test(arguments: StoreUnderTest.inMemory, [false, true])
    func listOfAThingGoesOnWhereItsTokenSays(_ subject: StoreUnderTest, _ deletes: Bool) throws {
        let store = subject.make()
        let count = 12_000
        for index in 0..<count { try store.create("j\(index)", on: ["t"]) }
        var seen: [String] = []
        var token: [UInt8]?
        var emptyPageCount = 0
        repeat {
            let page = try #require(try store.listForThing("t", max: 250, token: token, at: 0).page)
            seen += page.executions.map(\.jobId.description)
            if page.executions.isEmpty { emptyPageCount += 1 }
            token = page.nextToken
            if deletes, let last = page.executions.last?.jobId.description {
                try store.deleteExecution(last, "t", 1, force: true, at: 0)
                // Takes the slot that has become free, on the same thing or on another.
                try store.create("new\(seen.count)", on: [seen.count % 500 == 0 ? "t" : "other"])
            }
        } while token != nil && seen.count < 20_000
        #expect(seen == (0..<count).reversed().map { "j\($0)" })
        #expect(deletes ? emptyPageCount > 10 : emptyPageCount == 0)
    }

    // MARK: Weights

    @Test func commandsThatCarryDocumentsWeighMore() throws {
        let job = try JobId("j")
        let thing = try ThingName("t")
        func update(state: Bool, document: Bool) -> StoreCommand {
            .update(
                UpdateJobExecutionRequest(
                    jobId: job, thingName: thing, status: .inProgress, includeJobExecutionState: state,
                    includeJobDocument: document))
        }
        #expect(StoreCommand.describe(0..<1).weight == 4)
        #expect(StoreCommand.describe(7..<20).weight == 13 * 4)
        #expect(StoreCommand.cancel(CancelJobExecutionRequest(jobId: job, thingName: thing)).weight == 4)
        #expect(update(state: false, document: false).weight == 4)
        #expect(update(state: true, document: false).weight == 32)
        #expect(update(state: false, document: true).weight == 32)
        #expect(StoreCommand.startNext(StartNextPendingJobExecutionRequest(thingName: thing)).weight == 32)
        #expect(StoreCommand.getJobDocument(GetJobDocumentRequest(jobId: job)).weight == 32)
    }
}
