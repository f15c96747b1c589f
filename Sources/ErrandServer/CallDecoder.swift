internal import ErrandCore
internal import ErrandStore
internal import ErrandWire

/// Turns the calls of one connection into commands of a batch, and refuses what needs no store (SPEC §10 `STA-1`).
struct CallDecoder: CallSink {
    var decoded = DecodedCalls()
    /// When the bytes now being decoded came, and what time it is, in steady milliseconds: for deadlines.
    var receivedAt: Int64 = 0
    var now: Int64 = 0
    var isDraining = false
    let batchItemCountMax: Int
    var watches: ConnectionWatches?

    /// Outcomes of more than about this many executions are not kept in memory at once.
    private static let weightMax = 1024

    init(batchItemCountMax: Int) {
        self.batchItemCountMax = batchItemCountMax
    }

    /// Calls are decided in the turn that reads them, so there is never one to cancel here: the final reply is on its way.
    mutating func cancelCall(_ requestId: UInt64) {}

    mutating func watchCredit(_ credit: UInt32, requestId: UInt64) { watches?.addCredit(credit, requestId: requestId) }

    mutating func endWatch(_ requestId: UInt64) { watches?.end(requestId) }

    mutating func call(_ header: FrameHeader, _ body: RawSpan) -> FrameFlow {
        if header.opcode == Opcode.describeJobExecution.rawValue, let describe = PlainDescribe(body, header),
            untimely(body) == nil
        {
            decoded.add(describe, header)
            return decoded.weight >= Self.weightMax ? .pause : .goOn
        }
        let firstItem = decoded.items.count
        var isBatch = false
        do throws(MessageFault) {
            isBatch = try decode(header, body)
        } catch {
            switch error {
            case .malformed: decoded.add(Refusal(.invalidRequest, error.description))
            case .invalidField(let field): decoded.add(untimely(body) ?? Refusal(field))
            }
        }
        decoded.addCall(header, isBatch: isBatch, firstItem: firstItem)
        return decoded.weight >= Self.weightMax ? .pause : .goOn
    }

    /// Why a well-formed call is not decided at all; nothing if it is.
    private func untimely(_ body: RawSpan, isHealth: Bool = false) -> Refusal? {
        // Health says by itself that the server is stopping.
        if isDraining && !isHealth { return Refusal(.unavailable, "the server is stopping; connect again") }
        if let timeout = CallTimeout.read(body), now - receivedAt >= Int64(timeout) {
            return Refusal(.deadlineExceeded, "the deadline of \(timeout) ms passed before the call was decided")
        }
        return nil
    }

    /// Returns whether the call is a batch.
    private mutating func decode(_ header: FrameHeader, _ body: RawSpan) throws(MessageFault) -> Bool {
        switch Opcode(rawValue: header.opcode) {
        case .describeJobExecution:
            let request = try DescribeJobExecutionRequest(body, header)
            if let refusal = untimely(body) {
                decoded.add(refusal)
            } else {
                do throws(InvalidField) { try request.validate() } catch { throw .invalidField(error) }
                decoded.addDescribe(
                    jobId: request.jobId.bytes, thingName: request.thingName.bytes,
                    executionNumber: request.executionNumber)
            }
        case .describeOwnJobExecution:
            let request = try DescribeOwnJobExecutionRequest(body, header)
            accept(body, request.validate) { .describeOwn(request) }
        case .updateJobExecution:
            accept(body, try UpdateJobExecutionRequest(body, header))
        case .cancelJobExecution:
            let request = try CancelJobExecutionRequest(body, header)
            accept(body, request.validate) { .cancel(request) }
        case .startNextPendingJobExecution:
            let request = try StartNextPendingJobExecutionRequest(body, header)
            accept(body, request.validate) { .startNext(request) }
        case .getPendingJobExecutions:
            let request = try GetPendingJobExecutionsRequest(body, header)
            accept(body, request.validate) { .getPending(request) }
        case .listJobExecutionsForJob:
            let request = try ListJobExecutionsForJobRequest(body, header)
            accept(body, request.validate) { .listForJob(request) }
        case .listJobExecutionsForThing:
            let request = try ListJobExecutionsForThingRequest(body, header)
            accept(body, request.validate) { .listForThing(request) }
        case .batchDescribeJobExecution, .batchUpdateJobExecution, .batchCancelJobExecution:
            return try decodeBatchCall(header, body)
        case .health:
            _ = try HealthRequest(body, header)
            if let refusal = untimely(body, isHealth: true) {
                decoded.add(refusal)
            } else {
                decoded.items.append(.health)
            }
        case .serverInfo:
            _ = try ServerInfoRequest(body, header)
            if let refusal = untimely(body) { decoded.add(refusal) } else { decoded.items.append(.serverInfo) }
        case .watch:
            let request = try WatchRequest(body, header)
            if let refusal = untimely(body) {
                decoded.add(refusal)
            } else if let watches {
                // Begun before the calls behind it are decided, so that it sees what they change.
                decoded.add(watches.begin(request, requestId: header.requestId))
            } else {
                decoded.add(Refusal(.unimplemented, "nothing can be watched here"))
            }
        default:
            try decodeJobCall(header, body)
        }
        return false
    }

    private mutating func decodeBatchCall(_ header: FrameHeader, _ body: RawSpan) throws(MessageFault) -> Bool {
        switch Opcode(rawValue: header.opcode) {
        case .batchDescribeJobExecution:
            return try decodeBatch(
                header, body, DescribeJobExecutionRequest.self,
                { request throws(InvalidField) in try request.validate() },
                { request, decoded in
                    decoded.addDescribe(
                        jobId: request.jobId.bytes, thingName: request.thingName.bytes,
                        executionNumber: request.executionNumber)
                })
        case .batchUpdateJobExecution:
            return try decodeBatch(
                header, body, UpdateJobExecutionRequest.self,
                { request throws(InvalidField) in try request.validate() }, { $1.add(.update($0)) })
        default:
            return try decodeBatch(
                header, body, CancelJobExecutionRequest.self,
                { request throws(InvalidField) in try request.validate() }, { $1.add(.cancel($0)) })
        }
    }

    private mutating func decodeJobCall(_ header: FrameHeader, _ body: RawSpan) throws(MessageFault) {
        switch Opcode(rawValue: header.opcode) {
        case .createJob:
            let request = try CreateJobRequest(body, header)
            if request.targetSelection == .continuous {
                decoded.add(Refusal(.unimplemented, "continuous jobs are not supported; create a SNAPSHOT job"))
            } else {
                accept(body, request.validateWithDocument) { .createJob(request) }
            }
        case .addJobTargets:
            let request = try AddJobTargetsRequest(body, header)
            accept(body, request.validate) { .addJobTargets(request) }
        case .describeJob:
            let request = try DescribeJobRequest(body, header)
            accept(body, {}) { .describeJob(request) }
        case .cancelJob:
            let request = try CancelJobRequest(body, header)
            accept(body, request.validate) { .cancelJob(request) }
        case .deleteJob:
            let request = try DeleteJobRequest(body, header)
            accept(body, {}) { .deleteJob(request) }
        case .updateJob:
            let request = try UpdateJobRequest(body, header)
            accept(body, request.validate) { .updateJob(request) }
        case .listJobs:
            let request = try ListJobsRequest(body, header)
            accept(body, request.validate) { .listJobs(request) }
        case .getJobDocument:
            let request = try GetJobDocumentRequest(body, header)
            accept(body, {}) { .getJobDocument(request) }
        case .removeJobTargets:
            let request = try RemoveJobTargetsRequest(body, header)
            accept(body, request.validate) { .removeJobTargets(request) }
        case .deleteJobExecution:
            let request = try DeleteJobExecutionRequest(body, header)
            accept(body, request.validate) { .deleteExecution(request) }
        case .getJobExecutionHistory:
            let request = try GetJobExecutionHistoryRequest(body, header)
            accept(body, request.validate) { .getHistory(request) }
        default:
            guard Int(header.rootWordCount) * 8 <= body.byteCount else {
                throw .malformed("the root block is longer than the body")
            }
            decoded.add(Refusal(.unimplemented, "no call has opcode 0x\(String(header.opcode, radix: 16))"))
        }
    }

    @inline(__always)
    private mutating func accept(
        _ body: RawSpan, _ validate: () throws(InvalidField) -> Void, _ command: () -> StoreCommand
    ) {
        if let refusal = untimely(body) {
            decoded.add(refusal)
            return
        }
        do throws(InvalidField) {
            try validate()
            decoded.add(command())
        } catch {
            decoded.add(Refusal(error))
        }
    }

    /// As above, without a copy of the request, which is large and the most frequent after describe's.
    private mutating func accept(_ body: RawSpan, _ request: consuming UpdateJobExecutionRequest) {
        if let refusal = untimely(body) { return decoded.add(refusal) }
        do throws(InvalidField) { try request.validate() } catch { return decoded.add(Refusal(error)) }
        decoded.add(.update(request))
    }

    private mutating func decodeBatch<Item: BatchableRequest>(
        _ header: FrameHeader, _ body: RawSpan, _ type: Item.Type,
        _ validate: (Item) throws(InvalidField) -> Void, _ add: (Item, inout DecodedCalls) -> Void
    ) throws(MessageFault) -> Bool {
        let items = try BatchItems<Item>(body, header, itemCountMax: batchItemCountMax)
        if let refusal = untimely(body) {
            decoded.add(refusal)
            return false
        }
        for item in items.items {
            switch item {
            case .success(let request):
                do throws(InvalidField) {
                    try validate(request)
                    add(request, &decoded)
                } catch {
                    decoded.add(Refusal(error))
                }
            case .failure(let field): decoded.add(Refusal(field))
            }
        }
        return true
    }
}
