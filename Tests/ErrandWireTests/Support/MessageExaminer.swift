import ErrandCore
import ErrandWire

/// What a decoder makes of one frame, in the words of CONFORMANCE §1.1.
enum Examined: Equatable {
    case message(Fields, encoded: [UInt8])
    case malformed
    case invalidField(item: Int?)
    case fault(ConnectionFault)

    init(_ fault: MessageFault) {
        switch fault {
        case .malformed: self = .malformed
        case .invalidField: self = .invalidField(item: nil)
        }
    }

    /// The name of the error, or of there being none.
    var errorName: String {
        switch self {
        case .message: "no error"
        case .malformed: "MALFORMED"
        case .invalidField: "INVALID_FIELD"
        case .fault(let fault): fault.description
        }
    }
}

/// Decodes one frame as its receiver does, and encodes what came out again.
struct MessageExaminer {
    let header: FrameHeader
    let body: [UInt8]

    init(_ frame: Frame) {
        header = frame.header
        body = frame.body
    }

    var status: StatusCode { StatusCode(rawValue: header.status) ?? .unknown }
    var timeoutMilliseconds: UInt32? { CallTimeout.read(body.span.bytes) }

    func examine() -> Examined {
        if header.opcode < Opcode.firstCall { return control() }
        return header.flags.contains(.reply) ? reply() : call()
    }

    private func call() -> Examined {
        switch Opcode(rawValue: header.opcode) {
        case .health: call(HealthRequest.self, { _ in [:] })
        case .serverInfo: call(ServerInfoRequest.self, { _ in [:] })
        case .createJob: call(CreateJobRequest.self, \.vectorFields, CreateJobRequest.validateAsServer)
        case .addJobTargets: call(AddJobTargetsRequest.self, \.vectorFields, AddJobTargetsRequest.validate)
        case .describeJob: call(DescribeJobRequest.self, { ["jobId": field($0.jobId)] })
        case .cancelJob: call(CancelJobRequest.self, \.vectorFields, CancelJobRequest.validate)
        case .deleteJob: call(DeleteJobRequest.self, \.vectorFields)
        case .updateJob: call(UpdateJobRequest.self, \.vectorFields, UpdateJobRequest.validate)
        case .listJobs: call(ListJobsRequest.self, \.vectorFields, ListJobsRequest.validate)
        case .getJobDocument: call(GetJobDocumentRequest.self, { ["jobId": field($0.jobId)] })
        case .removeJobTargets: call(RemoveJobTargetsRequest.self, \.vectorFields, RemoveJobTargetsRequest.validate)
        case .describeJobExecution:
            call(DescribeJobExecutionRequest.self, \.vectorFields, DescribeJobExecutionRequest.validate)
        case .describeOwnJobExecution:
            call(DescribeOwnJobExecutionRequest.self, \.vectorFields, DescribeOwnJobExecutionRequest.validate)
        case .updateJobExecution:
            call(UpdateJobExecutionRequest.self, \.vectorFields, UpdateJobExecutionRequest.validate)
        case .cancelJobExecution:
            call(CancelJobExecutionRequest.self, \.vectorFields, CancelJobExecutionRequest.validate)
        case .startNextPendingJobExecution:
            call(StartNextPendingJobExecutionRequest.self, \.vectorFields, StartNextPendingJobExecutionRequest.validate)
        case .getPendingJobExecutions:
            call(GetPendingJobExecutionsRequest.self, \.vectorFields, GetPendingJobExecutionsRequest.validate)
        case .listJobExecutionsForJob:
            call(ListJobExecutionsForJobRequest.self, \.vectorFields, ListJobExecutionsForJobRequest.validate)
        case .listJobExecutionsForThing:
            call(ListJobExecutionsForThingRequest.self, \.vectorFields, ListJobExecutionsForThingRequest.validate)
        case .deleteJobExecution:
            call(DeleteJobExecutionRequest.self, \.vectorFields, DeleteJobExecutionRequest.validate)
        case .getJobExecutionHistory:
            call(GetJobExecutionHistoryRequest.self, \.vectorFields, GetJobExecutionHistoryRequest.validate)
        case .batchDescribeJobExecution:
            batch(DescribeJobExecutionRequest.self, \.vectorFields, DescribeJobExecutionRequest.validate)
        case .batchUpdateJobExecution:
            batch(UpdateJobExecutionRequest.self, \.vectorFields, UpdateJobExecutionRequest.validate)
        case .batchCancelJobExecution:
            batch(CancelJobExecutionRequest.self, \.vectorFields, CancelJobExecutionRequest.validate)
        case .watch: call(WatchRequest.self, \.vectorFields)
        default: .fault(.frameUnexpected)
        }
    }

    private func reply() -> Examined {
        guard header.status == 0 else { return reply(Failure.self, \.vectorFields) }
        switch Opcode(rawValue: header.opcode) {
        case .health: return reply(Health.self, \.vectorFields)
        case .serverInfo: return reply(ServerInfo.self, \.vectorFields)
        case .createJob, .addJobTargets: return reply(JobTargetsReceipt.self, \.vectorFields)
        case .describeJob, .cancelJob, .updateJob: return reply(Job.self, \.vectorFields)
        case .deleteJob, .deleteJobExecution: return reply(Done.self, \.vectorFields)
        case .listJobs: return reply(JobPage.self, \.vectorFields)
        case .getJobDocument: return reply(JobDocumentReply.self, \.vectorFields)
        case .removeJobTargets: return reply(RemovedTargets.self, \.vectorFields)
        case .getJobExecutionHistory: return reply(JobExecutionHistoryPage.self, \.vectorFields)
        case .describeJobExecution:
            return reply(
                JobExecution.self, JobExecutionBody.rootByteCount, \.vectorFields, { $0.write(to: &$1) })
        case .describeOwnJobExecution, .startNextPendingJobExecution: return possibleExecution()
        case .updateJobExecution, .cancelJobExecution: return reply(JobExecutionChange.self, \.vectorFields)
        case .getPendingJobExecutions: return reply(PendingJobExecutions.self, \.vectorFields)
        case .listJobExecutionsForJob, .listJobExecutionsForThing: return reply(JobExecutionPage.self, \.vectorFields)
        case .batchDescribeJobExecution:
            return batchReply(DescribeJobExecutionRequest.self, \.vectorFields, { $0.write(to: &$1) })
        case .batchUpdateJobExecution:
            return batchReply(UpdateJobExecutionRequest.self, \.vectorFields, { $0.writeBody(to: &$1) })
        case .batchCancelJobExecution:
            return batchReply(CancelJobExecutionRequest.self, \.vectorFields, { $0.writeBody(to: &$1) })
        case .watch: return reply(WatchBegun.self, \.vectorFields)
        default: return .fault(.frameUnexpected)
        }
    }

    private func call<Request: RequestMessage>(
        _ type: Request.Type, _ fields: (Request) -> Fields,
        _ validate: (Request) -> () throws(InvalidField) -> Void = { _ in {} }
    ) -> Examined {
        do throws(MessageFault) {
            let request = try Request(body.span.bytes, header)
            do throws(InvalidField) { try validate(request)() } catch { return .invalidField(item: nil) }
            var all = fields(request)
            all.list("timeoutMilliseconds", timeoutMilliseconds, field)
            let encoded = encode { encoder in
                _ = encoder.appendCall(
                    request, requestId: header.requestId, timeoutMilliseconds: timeoutMilliseconds)
            }
            return .message(all, encoded: encoded)
        } catch {
            return Examined(error)
        }
    }

    private func reply<Reply: ReplyMessage & Message>(_ type: Reply.Type, _ fields: (Reply) -> Fields) -> Examined {
        reply(type, Reply.rootByteCount, fields, { $0.writeBody(to: &$1) })
    }

    private func reply<Reply: ReplyMessage>(
        _ type: Reply.Type, _ rootByteCount: Int, _ fields: (Reply) -> Fields,
        _ write: (Reply, inout ByteWriter) -> Void
    ) -> Examined {
        do throws(MessageFault) {
            let reply = try Reply.read(body.span.bytes, header)
            let encoded = encodeReply(rootByteCount: rootByteCount) { write(reply, &$0) }
            return .message(fields(reply), encoded: encoded)
        } catch {
            return Examined(error)
        }
    }

    private func possibleExecution() -> Examined {
        let rootByteCount = body.isEmpty ? 0 : JobExecutionBody.rootByteCount
        return reply(
            PossibleJobExecution.self, rootByteCount, { $0.execution?.vectorFields ?? [:] },
            { $0.execution?.write(to: &$1) })
    }

    // MARK: Encoding again

    func encode(_ append: (inout SegmentEncoder) -> Void) -> [UInt8] {
        var encoder = SegmentEncoder(
            agreement: SegmentAgreement(compression: false, checksums: false), segmentByteCountMax: 1 << 20)
        append(&encoder)
        var output: [UInt8] = []
        encoder.seal(into: &output, with: Deflater())
        return Array(output.dropFirst(SegmentHeader.byteCount))
    }

    func encodeReply(rootByteCount: Int, _ write: (inout ByteWriter) -> Void) -> [UInt8] {
        encode { encoder in
            encoder.beginFrame(
                header.opcode, flags: .reply, status: status, rootByteCount: rootByteCount, requestId: header.requestId)
            write(&encoder.body)
            _ = encoder.endFrame()
        }
    }
}
