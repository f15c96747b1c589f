import ErrandCore
import ErrandWire
import Testing

/// SPEC §8.6's block in each message that holds one, and the presence bits of variable fields.
@Suite(.timeLimit(.minutes(2)))
struct ConfigurationLayoutTests {
    private let specification = Specification.ofRepository

    private static let retryCriteria = [
        RetryCriterion(failureType: .timedOut, numberOfRetries: 200),
        RetryCriterion(failureType: .all, numberOfRetries: 201),
    ]
    private static let rollout = RolloutConfig(
        maximumPerMinute: 0x0403_0201,
        exponentialRate: RolloutConfig.ExponentialRate(
            baseRatePerMinute: 0x0807_0605, incrementFactorTenths: 202,
            increaseCriterion: .numberOfSucceededThings(0x0C0B_0A09)))
    private static let retryValues: [String: UInt64] = [
        "retryCriterionCount": 2, "retryFailureType1": 3, "numberOfRetries1": 200, "retryFailureType2": 4,
        "numberOfRetries2": 201,
    ]
    private static let rateValues: [String: UInt64] = [
        "increaseCriterion": 2, "incrementFactorTenths": 202, "baseRatePerMinute": 0x0807_0605,
        "increaseThreshold": 0x0C0B_0A09,
    ]

    private func bytes(_ message: some Message) -> [UInt8] {
        var writer = ByteWriter()
        message.writeBody(to: &writer)
        return writer.bytes
    }

    private func presence(_ bytes: [UInt8]) -> UInt32 {
        bytes[0..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    /// The whole block as the table says it, reserved bytes included.
    private func block(_ values: [String: UInt64]) throws -> [UInt8] {
        let layout = try #require(specification.layouts["8.6 A block of"])
        #expect(layout.byteCount == 24)
        var block = [UInt8](repeating: 0, count: layout.byteCount)
        for (name, value) in values {
            let field = try #require(layout.fields[name], "\(name)")
            for index in 0..<field.byteCount {
                block[field.offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
            }
        }
        return block
    }

    /// - Parameter make: the message with that configuration.
    private func check(
        _ name: String, hasRetries: Bool = true, _ make: ([RetryCriterion], RolloutConfig?) -> any Message
    ) throws {
        let place = try #require(specification.layouts[name]?.block, "\(name)")
        let rolloutBit = try #require(place.presenceBits["rollout"])
        let rateBit = try #require(place.presenceBits["exponentialRate"])
        func written(_ rollout: RolloutConfig?) -> (block: [UInt8], presence: UInt32) {
            let bytes = bytes(make(hasRetries ? Self.retryCriteria : [], rollout))
            return (Array(bytes[place.offset..<(place.offset + 24)]), presence(bytes))
        }
        let base = hasRetries ? Self.retryValues : [:]
        #expect(written(nil) == (try block(base), 0), "\(name)")
        var plain = Self.rollout
        plain.exponentialRate = nil
        let rate = base.merging(["maximumPerMinute": 0x0403_0201]) { $1 }
        #expect(written(plain) == (try block(rate), 1 << UInt32(rolloutBit)), "\(name)")
        let all = rate.merging(Self.rateValues) { $1 }
        #expect(
            written(Self.rollout) == (try block(all), 1 << UInt32(rolloutBit) | 1 << UInt32(rateBit)), "\(name)")
    }

    @Test func everyFieldOfTheBlockIsKnownHere() throws {
        let layout = try #require(specification.layouts["8.6 A block of"])
        let known = Set(Self.retryValues.keys).union(Self.rateValues.keys).union(["maximumPerMinute"])
        #expect(Set(layout.fields.keys) == known)
        #expect(specification.layouts.values.filter { $0.block != nil }.count == 3)
    }

    @Test func theBlockStandsWhereTheTablesSay() throws {
        try check("9.3 Request root") { retries, rollout in
            var request = LayoutProbes.emptyCreateJob
            request.configuration = JobConfiguration(retryCriteria: retries, rollout: rollout)
            return request
        }
        try check("9.5 Reply root") { retries, rollout in
            var job = LayoutProbes.zeroJob
            job.configuration = JobConfiguration(retryCriteria: retries, rollout: rollout)
            return job
        }
        // Retries cannot be updated: their bytes are reserved.
        try check("9.17 Request root", hasRetries: false) { _, rollout in
            UpdateJobRequest(jobId: JobId(), rollout: rollout)
        }
    }

    @Test func anAbortCriterionIsWrittenAsSection2Says() {
        let aborts = [
            AbortCriterion(
                failureType: .rejected, thresholdPercentageHundredths: 0x0403_0201,
                minNumberOfExecutedThings: 0x0807_0605)
        ]
        let written = bytes(UpdateJobRequest(jobId: JobId(), abortCriteria: aborts))
        #expect(written.suffix(14) == [1, 0, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func aKeyIsWrittenInTheOrderOfItsDigits() throws {
        let key = IdempotencyKey(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
        #expect(key.description == "00112233445566778899aabbccddeeff")
        let offset = try #require(specification.layouts["9.20 Request root"]?.fields["idempotencyKey"]?.offset)
        let written = bytes(RemoveJobTargetsRequest(jobId: JobId(), targets: [], idempotencyKey: key))
        #expect(Array(written[offset..<(offset + 16)]) == (0..<16).map { UInt8($0 * 0x11) })
    }

    private func failure(_ details: StatusDetails) -> Failure {
        let state = JobExecutionState(status: .queued, versionNumber: 0, executionNumber: 0, statusDetails: details)
        return Failure(applied: .no, message: "", executionState: state)
    }

    /// For each field the message without and with it; a failure's details come with its state.
    private func variableFields() throws -> [String: [([UInt8], [UInt8])]] {
        let (job, thing, details) = (JobId(), ThingName(), try StatusDetails([(key: "k", value: "v")]))
        func pair<Body: Message>(_ message: Body, _ change: (inout Body) -> Void) -> ([UInt8], [UInt8]) {
            var changed = message
            change(&changed)
            return (bytes(message), bytes(changed))
        }
        func execution(_ details: StatusDetails = StatusDetails(), _ document: [UInt8]? = nil) -> [UInt8] {
            var record = ExecutionRecord(executionNumber: 0, queuedAtMilliseconds: 0)
            record.statusDetails = details
            var writer = ByteWriter()
            JobExecutionBody.write(
                jobId: job, thingName: thing, record: record, approximateSecondsBeforeTimedOut: nil,
                jobDocument: document, to: &writer)
            return writer.bytes
        }
        let change = JobExecutionChange(
            status: .queued, versionNumber: 0, executionNumber: 0, lastUpdatedAtMilliseconds: 0)
        let update = UpdateJobExecutionRequest(jobId: job, thingName: thing, status: .queued)
        return [
            "8.1 statusDetails": [(execution(), execution(details))],
            "8.1 jobDocument": [(execution(), execution(StatusDetails(), []))],
            "8.3 statusDetails": [(bytes(failure(StatusDetails())), bytes(failure(details)))],
            "8.5 statusDetails": [pair(change) { $0.statusDetails = StatusDetails() }],
            "8.5 jobDocument": [pair(change) { $0.jobDocument = "" }],
            "8.7 statusDetails": [pair(LayoutProbes.zeroEntry) { $0.statusDetails = details }],
            "8.9 statusDetails": [
                pair(LayoutProbes.zeroEvent) { $0.subject = LayoutProbes.change { $0.statusDetails = details } }
            ],
            "9.3 description": [pair(LayoutProbes.emptyCreateJob) { $0.description = "" }],
            "9.5 description": [pair(LayoutProbes.zeroJob) { $0.description = "" }],
            "9.5 reasonCode": [pair(LayoutProbes.zeroJob) { $0.reasonCode = "" }],
            "9.5 comment": [pair(LayoutProbes.zeroJob) { $0.comment = "" }],
            "9.8 statusDetails": [pair(update) { $0.statusDetails = StatusDetails() }],
            "9.9 statusDetails": [
                pair(CancelJobExecutionRequest(jobId: job, thingName: thing)) { $0.statusDetails = StatusDetails() }
            ],
            "9.10 statusDetails": [
                pair(StartNextPendingJobExecutionRequest(thingName: thing)) { $0.statusDetails = StatusDetails() }
            ],
            "9.11 nextToken": [
                pair(GetPendingJobExecutionsRequest(thingName: thing)) { $0.nextToken = [] },
                pair(PendingJobExecutions(inProgressJobs: [], queuedJobs: [], totalCount: 0, nextToken: nil)) {
                    $0.nextToken = []
                },
            ],
            "9.12 nextToken": [
                pair(ListJobExecutionsForJobRequest(jobId: job)) { $0.nextToken = [] },
                pair(JobExecutionPage(executions: [], nextToken: nil)) { $0.nextToken = [] },
            ],
            "9.15 reasonCode": [pair(CancelJobRequest(jobId: job)) { $0.reasonCode = "" }],
            "9.15 comment": [pair(CancelJobRequest(jobId: job)) { $0.comment = "" }],
            "9.17 description": [pair(UpdateJobRequest(jobId: job)) { $0.description = "" }],
            "9.17 abortCriteria": [pair(UpdateJobRequest(jobId: job)) { $0.abortCriteria = [] }],
            "9.18 nextToken": [
                pair(ListJobsRequest()) { $0.nextToken = [] },
                pair(JobPage(jobs: [], nextToken: nil)) { $0.nextToken = [] },
            ],
            "9.22 nextToken": [
                pair(GetJobExecutionHistoryRequest(jobId: job, thingName: thing)) { $0.nextToken = [] },
                pair(JobExecutionHistoryPage(entries: [], droppedCount: 0, nextToken: nil)) { $0.nextToken = [] },
            ],
            "9.23 jobId": [pair(LayoutProbes.zeroWatch) { $0.scope = .job(job) }],
            "9.23 thingName": [pair(LayoutProbes.zeroWatch) { $0.scope = .thing(thing) }],
        ]
    }

    @Test func presenceBitsOfVariableFieldsAreThoseOfTheText() throws {
        let written = try variableFields().mapValues { pairs in
            pairs.map { presence($0.0) ^ presence($0.1) }
        }
        var bits = specification.variableBits
        // Never alone: an event's thing comes with its numbers, and `LayoutTests` has all bits of each kind.
        #expect(bits.removeValue(forKey: "8.9 thingName") == [4])
        #expect(bits.mapValues { $0.map { UInt32(1) << UInt32($0) } } == written)
    }
}
