import ErrandCore
import ErrandWire

/// Makes valid messages of any shape.
struct MessageMaker {
    var generator: SeededGenerator

    mutating func chance() -> Bool { Bool.random(using: &generator) }
    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }

    mutating func optional<T>(_ make: (inout Self) throws -> T) rethrows -> T? {
        chance() ? try make(&self) : nil
    }

    mutating func name(_ byteCountMax: Int, _ alphabet: String = "abcXYZ019_-") -> String {
        let letters = Array(alphabet)
        return String((0...below(byteCountMax)).map { _ in letters[below(letters.count)] })
    }

    mutating func text(_ scalarCountMax: Int) -> String {
        let letters = Array("aZ 0~é✓🚚ü")
        return String((0..<below(scalarCountMax + 1)).map { _ in letters[below(letters.count)] })
    }

    mutating func jobId() throws -> JobId { try JobId(name(64)) }
    mutating func thingName() throws -> ThingName { try ThingName(name(128, "abcXYZ019_-:")) }
    mutating func number() -> Int64 { Int64.random(in: .min ... .max, using: &generator) }
    mutating func positive() -> Int64 { Int64.random(in: 1 ... .max, using: &generator) }
    mutating func short() -> UInt32 { UInt32.random(in: .min ... .max, using: &generator) }
    mutating func long() -> UInt64 { UInt64.random(in: .min ... .max, using: &generator) }
    mutating func token() -> [UInt8] { (0..<below(65)).map { _ in UInt8.random(in: 0...255, using: &generator) } }
    mutating func flag() -> Bool { chance() }
    mutating func key() -> IdempotencyKey { IdempotencyKey(high: long(), low: long()) }

    mutating func status() -> JobExecutionStatus {
        JobExecutionStatus.allCases[below(JobExecutionStatus.allCases.count)]
    }

    mutating func details() throws -> StatusDetails {
        var pairs: [(key: String, value: String)] = []
        for index in 0..<below(11) { pairs.append((key: "k\(index)\(name(20))", value: "v" + text(100))) }
        return try StatusDetails(pairs)
    }

    mutating func update() throws -> UpdateJobExecutionRequest {
        UpdateJobExecutionRequest(
            jobId: try jobId(), thingName: try thingName(), status: status(),
            statusDetails: try optional { try $0.details() }, mergeStatusDetails: flag(),
            expectedVersion: optional { $0.number() }, executionNumber: optional { $0.positive() },
            stepTimeoutInMinutes: optional { $0.number() }, includeJobExecutionState: flag(),
            includeJobDocument: flag(), idempotencyKey: optional { $0.key() })
    }

    mutating func describe() throws -> DescribeJobExecutionRequest {
        DescribeJobExecutionRequest(
            jobId: try jobId(), thingName: try thingName(), executionNumber: optional { $0.positive() })
    }

    mutating func describeOwn() throws -> DescribeOwnJobExecutionRequest {
        DescribeOwnJobExecutionRequest(
            jobId: try optional { try $0.jobId() }, thingName: try thingName(),
            executionNumber: optional { $0.positive() }, includeJobDocument: flag())
    }

    mutating func cancel() throws -> CancelJobExecutionRequest {
        CancelJobExecutionRequest(
            jobId: try jobId(), thingName: try thingName(), force: flag(), expectedVersion: optional { $0.number() },
            executionNumber: optional { $0.positive() }, statusDetails: try optional { try $0.details() },
            idempotencyKey: optional { $0.key() })
    }

    mutating func startNext() throws -> StartNextPendingJobExecutionRequest {
        StartNextPendingJobExecutionRequest(
            thingName: try thingName(), statusDetails: try optional { try $0.details() },
            stepTimeoutInMinutes: optional { $0.number() }, idempotencyKey: optional { $0.key() })
    }

    mutating func getPending() throws -> GetPendingJobExecutionsRequest {
        GetPendingJobExecutionsRequest(
            thingName: try thingName(), maxResults: optional { $0.short() }, nextToken: optional { $0.token() })
    }

    mutating func listForJob() throws -> ListJobExecutionsForJobRequest {
        ListJobExecutionsForJobRequest(
            jobId: try jobId(), status: optional { $0.status() }, maxResults: optional { $0.short() },
            nextToken: optional { $0.token() })
    }

    mutating func listForThing() throws -> ListJobExecutionsForThingRequest {
        ListJobExecutionsForThingRequest(
            thingName: try thingName(), status: optional { $0.status() }, maxResults: optional { $0.short() },
            nextToken: optional { $0.token() })
    }

    mutating func createJob() throws -> CreateJobRequest {
        var request = CreateJobRequest(
            jobId: try jobId(), document: text(200), description: optional { $0.text(200) },
            configuration: configuration(), targetCount: short(),
            targets: try (0..<below(20)).map { _ in try thingName() })
        if flag() { request.targetSelection = .continuous }
        return request
    }

    mutating func addTargets() throws -> AddJobTargetsRequest {
        AddJobTargetsRequest(
            jobId: try jobId(), targetOffset: short(), targets: try (0..<below(20)).map { _ in try thingName() })
    }

    mutating func summary() throws -> JobExecutionSummary {
        JobExecutionSummary(
            jobId: try jobId(), thingName: try thingName(), executionNumber: number(), status: status(),
            forceCanceled: flag(), queuedAtMilliseconds: number(), startedAtMilliseconds: optional { $0.number() },
            lastUpdatedAtMilliseconds: number(), versionNumber: number(),
            retryAttempt: UInt16(truncatingIfNeeded: long()))
    }

    mutating func execution() throws -> JobExecution {
        JobExecution(
            jobId: try jobId(), thingName: try thingName(), executionNumber: number(), status: status(),
            forceCanceled: flag(), statusDetails: try details(), queuedAtMilliseconds: number(),
            startedAtMilliseconds: optional { $0.number() }, lastUpdatedAtMilliseconds: number(),
            versionNumber: number(), approximateSecondsBeforeTimedOut: optional { $0.short() },
            retryAttempt: UInt16(truncatingIfNeeded: long()), jobDocument: optional { $0.text(100) })
    }

    mutating func change() throws -> JobExecutionChange {
        JobExecutionChange(
            status: status(), versionNumber: number(), executionNumber: number(), lastUpdatedAtMilliseconds: number(),
            statusDetails: try optional { try $0.details() }, jobDocument: optional { $0.text(100) })
    }

    mutating func page() throws -> JobExecutionPage {
        JobExecutionPage(
            executions: try (0..<below(6)).map { _ in try summary() }, nextToken: optional { $0.token() })
    }

    mutating func pending() throws -> PendingJobExecutions {
        PendingJobExecutions(
            inProgressJobs: try (0..<below(4)).map { _ in try summary() },
            queuedJobs: try (0..<below(4)).map { _ in try summary() }, totalCount: short(),
            nextToken: optional { $0.token() })
    }

    mutating func job() throws -> Job {
        return Job(
            jobId: try jobId(), description: optional { $0.text(50) }, status: JobStatus.allCases[below(4)],
            createdAtMilliseconds: number(), lastUpdatedAtMilliseconds: number(),
            completedAtMilliseconds: optional { $0.number() }, configuration: configuration(),
            reasonCode: optional { $0.text(20) }, comment: optional { $0.text(50) }, forceCanceled: flag(),
            targetCount: short(), notYetQueuedCount: short(), processDetails: counts(), attemptDetails: counts())
    }

    mutating func failure() throws -> Failure {
        Failure(
            applied: [.no, .yes, .unknown][below(3)], message: text(100),
            retryAfterMilliseconds: optional { $0.short() },
            executionState: try optional { maker in
                JobExecutionState(
                    status: maker.status(), versionNumber: maker.number(), executionNumber: maker.number(),
                    statusDetails: try maker.details())
            })
    }

    mutating func info() -> ServerInfo {
        ServerInfo(
            serverName: text(20), serverVersion: text(20), thingArnPrefix: text(40), minuteLengthMilliseconds: short(),
            bootId: long(), startedAtMilliseconds: number(), nowMilliseconds: number(), jobCount: long(),
            executionCount: long(), callCount: long(), connectionCount: long())
    }

    mutating func welcome() -> Welcome {
        var welcome = Welcome()
        welcome.version = UInt16(truncatingIfNeeded: long())
        welcome.compression = flag() ? 1 : 0
        welcome.checksums = flag() ? 1 : 0
        welcome.features = long()
        welcome.segmentByteCountMax = short()
        welcome.callsInFlightMax = short()
        welcome.bytesInFlightMax = short()
        welcome.batchItemCountMax = short()
        welcome.bootId = long()
        welcome.nowMilliseconds = number()
        welcome.serverName = text(30)
        welcome.thingArnPrefix = text(60)
        return welcome
    }
}
