import ErrandCore

@testable import ErrandStore

/// Calls of every kind on few jobs and things, so that they meet, with time that passes between them.
struct RandomWork {
    private var generator: SeededGenerator
    private(set) var now: Int64 = 1000
    private var createdCount = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    /// One call, and now and then what is due.
    mutating func step(on store: DurableExecutionStore) throws {
        now += Int64(number(0..<400))
        if generator.chance(15) { _ = store.advance(to: now, limit: number(1..<40)) }
        let batch = CommandBatch { _ in }
        batch.commands = [try command()]
        store.submit(batch, at: now)
    }

    private mutating func command() throws -> StoreCommand {
        let thing = try ThingName("t\(number(0..<12))")
        let job = try JobId("j\(max(0, createdCount - 1 - number(0..<5)))")
        let key: IdempotencyKey? = generator.chance(70) ? .random() : nil
        switch number(0..<100) {
        case 0..<12: return try createJob()
        case 12..<16:
            return .addJobTargets(
                AddJobTargetsRequest(
                    jobId: job, targetOffset: 2, targets: try (2..<5).map { try ThingName("t\($0)") }))
        case 16..<35:
            return .startNext(
                StartNextPendingJobExecutionRequest(
                    thingName: thing, statusDetails: try Snapshot.details(UInt64(now)), stepTimeoutInMinutes: 2,
                    idempotencyKey: key))
        case 35..<75:
            let status: [JobExecutionStatus] = [.inProgress, .inProgress, .failed, .failed, .succeeded, .rejected]
            return .update(
                UpdateJobExecutionRequest(
                    jobId: job, thingName: thing, status: status[number(0..<status.count)],
                    statusDetails: try Snapshot.details(UInt64(now)), includeJobExecutionState: generator.chance(20),
                    idempotencyKey: key))
        case 75..<80:
            return .cancel(
                CancelJobExecutionRequest(
                    jobId: job, thingName: thing, force: generator.chance(50), idempotencyKey: key))
        case 80..<84:
            return .cancelJob(CancelJobRequest(jobId: job, force: generator.chance(50), idempotencyKey: key))
        case 84..<88:
            return .deleteJob(DeleteJobRequest(jobId: job, force: generator.chance(70), idempotencyKey: key))
        case 88..<92:
            return .removeJobTargets(RemoveJobTargetsRequest(jobId: job, targets: [thing], idempotencyKey: key))
        case 92..<95:
            return .updateJob(
                UpdateJobRequest(
                    jobId: job, description: "at \(now)", inProgressTimeoutInMinutes: 3,
                    endsRetries: generator.chance(20), idempotencyKey: key))
        default:
            return .deleteExecution(
                DeleteJobExecutionRequest(
                    jobId: job, thingName: thing, executionNumber: Int64(number(1..<3)), force: true,
                    idempotencyKey: key))
        }
    }

    private mutating func createJob() throws -> StoreCommand {
        createdCount += 1
        let targets = try (0..<(generator.chance(20) ? 2 : 10)).map { try ThingName("t\($0)") }
        var configuration = JobConfiguration(inProgressTimeoutInMinutes: generator.chance(50) ? 1 : nil)
        if generator.chance(60) {
            configuration.retryCriteria = [RetryCriterion(failureType: .all, numberOfRetries: 2)]
        }
        if generator.chance(40) { configuration.rollout = RolloutConfig(maximumPerMinute: UInt32(number(1..<6))) }
        if generator.chance(30) {
            configuration.abortCriteria = [
                AbortCriterion(failureType: .all, thresholdPercentageHundredths: 3000, minNumberOfExecutedThings: 2)
            ]
        }
        // A job with two of its targets given is staged, and may be finished by a later call.
        return .createJob(
            CreateJobRequest(
                jobId: try JobId("j\(createdCount - 1)"), document: "{}", configuration: configuration,
                targetCount: targets.count == 2 ? 5 : UInt32(targets.count), targets: targets))
    }
}
