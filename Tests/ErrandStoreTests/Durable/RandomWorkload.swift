import ErrandCore
import ErrandStore

/// Calls of every kind that changes something, chosen without looking at any store, so that every store can be given the
/// same ones. Few names and short timers, so that they collide; time moves with the steps.
struct RandomWorkload {
    struct Step: Sendable {
        var now: Int64
        var commands: [StoreCommand]
    }

    static let minute: Int64 = 1000
    static let rules = ExecutionRules(minuteLengthMilliseconds: minute)

    private var random: SeededGenerator
    private var now: Int64 = 1000
    /// Calls with keys, some of which come again.
    private var keyed: [StoreCommand] = []
    private let things: [ThingName]
    private let jobs: [JobId]

    init(seed: UInt64, thingCount: Int = 6, jobCount: Int = 12) throws {
        random = SeededGenerator(seed: seed)
        things = try (0..<thingCount).map { try ThingName("thing:\($0)") }
        jobs = try (0..<jobCount).map { try JobId("job-\($0)") }
    }

    static func steps(seed: UInt64, count: Int, commandsPerStep: Int) throws -> [Step] {
        var workload = try RandomWorkload(seed: seed)
        return try (0..<count).map { _ in try workload.step(commandsPerStep) }
    }

    mutating func step(_ commandCount: Int) throws -> Step {
        if chance(3) { now += Int64.random(in: 0...1500, using: &random) }
        return Step(now: now, commands: try (0..<commandCount).map { _ in try command() })
    }

    private mutating func command() throws -> StoreCommand {
        if chance(12), let again = keyed.randomElement(using: &random) { return again }
        let key: IdempotencyKey? =
            chance(3) ? IdempotencyKey(high: random.next(), low: random.next()) : nil
        let command = try command(key)
        if key != nil { keyed.append(command) }
        return command
    }

    private mutating func command(_ key: IdempotencyKey?) throws -> StoreCommand {
        let (job, thing) = (one(of: jobs), one(of: things))
        switch Int.random(in: 0..<26, using: &random) {
        case 0..<4: return .createJob(create(job))
        case 4: return .addJobTargets(AddJobTargetsRequest(jobId: job, targetOffset: 1, targets: [thing]))
        case 5..<13:
            let status = one(of: [.inProgress, .inProgress, .succeeded, .failed, .rejected] as [JobExecutionStatus])
            return .update(
                UpdateJobExecutionRequest(
                    jobId: job, thingName: thing, status: status, statusDetails: try details(),
                    mergeStatusDetails: chance(2), stepTimeoutInMinutes: chance(3) ? 2 : nil,
                    includeJobExecutionState: chance(2), idempotencyKey: key))
        case 13..<15:
            return .cancel(
                CancelJobExecutionRequest(
                    jobId: job, thingName: thing, force: chance(2), statusDetails: try details(), idempotencyKey: key))
        case 15..<20:
            return .startNext(
                StartNextPendingJobExecutionRequest(
                    thingName: thing, statusDetails: try details(), stepTimeoutInMinutes: chance(2) ? 1 : nil,
                    idempotencyKey: key))
        case 20: return .cancelJob(CancelJobRequest(jobId: job, force: chance(2), reasonCode: "X", idempotencyKey: key))
        case 21: return .deleteJob(DeleteJobRequest(jobId: job, force: chance(2), idempotencyKey: key))
        case 22:
            return .updateJob(
                UpdateJobRequest(
                    jobId: job, description: "d\(random.next() % 9)", inProgressTimeoutInMinutes: 3,
                    rollout: chance(3) ? RolloutConfig(maximumPerMinute: 2) : nil, endsRetries: chance(4),
                    idempotencyKey: key))
        case 23:
            return .removeJobTargets(RemoveJobTargetsRequest(jobId: job, targets: [thing], idempotencyKey: key))
        default:
            return .deleteExecution(
                DeleteJobExecutionRequest(
                    jobId: job, thingName: thing, executionNumber: chance(4) ? 2 : 1, force: chance(2),
                    idempotencyKey: key))
        }
    }

    private mutating func create(_ job: JobId) -> CreateJobRequest {
        let targets = (0..<Int.random(in: 1...5, using: &random)).map { _ in one(of: things) }
        var configuration = JobConfiguration(inProgressTimeoutInMinutes: chance(2) ? 2 : nil)
        if chance(2) { configuration.retryCriteria = [RetryCriterion(failureType: .all, numberOfRetries: 2)] }
        if chance(4) { configuration.rollout = RolloutConfig(maximumPerMinute: 1) }
        if chance(4) {
            configuration.abortCriteria = [
                AbortCriterion(failureType: .failed, thresholdPercentageHundredths: 5000, minNumberOfExecutedThings: 2)
            ]
        }
        // One in six waits for its last target.
        let stagedCount = chance(6) ? 1 : 0
        return CreateJobRequest(
            jobId: job, document: #"{"v":\#(random.next() % 100)}"#, description: chance(2) ? "some" : nil,
            configuration: configuration, targetCount: UInt32(targets.count + stagedCount), targets: targets)
    }

    private mutating func details() throws -> StatusDetails? {
        guard chance(2) else { return nil }
        return try StatusDetails([(key: "k\(random.next() % 5)", value: "v\(random.next() % 100)")])
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func one<Value>(of values: [Value]) -> Value {
        values[Int.random(in: values.indices, using: &random)]
    }
}
