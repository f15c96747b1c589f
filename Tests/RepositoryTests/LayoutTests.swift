import ErrandCore
import ErrandWire
import Testing

/// Every offset of SPEC's tables against the bytes that the encoders write: each field is set by itself, and the
/// bytes that change have to be those of its row, no more and no fewer.
@Suite(.timeLimit(.minutes(2)))
struct LayoutTests {
    private let specification = Specification.ofRepository

    @Test func controlMessages() {
        compare("7.1 Root block", zeroHello, LayoutProbes.hello)
        compare("7.2 Root block", zeroWelcome, LayoutProbes.welcome)
        compare("7.3 Root block", ConnectionErrorMessage(reason: 0, message: ""), [("reason", { $0.reason = .max })])
        compare("7.4 Root block", Ping(opaque: 0), [("opaque", { $0.opaque = .max })])
        compare(
            "7.5 Root block",
            GoAway(lastRequestId: 0, graceMilliseconds: 0, retryAfterMilliseconds: 0, message: ""),
            [
                ("lastRequestId", { $0.lastRequestId = .max }), ("graceMilliseconds", { $0.graceMilliseconds = .max }),
                ("retryAfterMilliseconds", { $0.retryAfterMilliseconds = .max }),
            ])
    }

    @Test func requests() {
        compareCall("9.1 Request root", HealthRequest(), [])
        compareCall("9.2 Request root", ServerInfoRequest(), [])
        compareCall("9.3 Request root", LayoutProbes.emptyCreateJob, LayoutProbes.createJob)
        compareCall(
            "9.4 Request root", AddJobTargetsRequest(jobId: JobId(), targetOffset: 0, targets: []),
            [("targetOffset", { $0.targetOffset = .max })])
        compareCall("9.5 Request root", DescribeJobRequest(jobId: JobId()), [])
        compareCall(
            "9.6 Request root", DescribeJobExecutionRequest(jobId: JobId(), thingName: ThingName()),
            [("executionNumber", { $0.executionNumber = -1 })])
        compareCall(
            "9.7 Request root",
            DescribeOwnJobExecutionRequest(jobId: JobId(), thingName: ThingName(), includeJobDocument: false),
            [
                ("executionNumber", { $0.executionNumber = -1 }),
                ("includeJobDocument", { $0.includeJobDocument = true }),
            ])
        compareCall(
            "9.8 Request root",
            UpdateJobExecutionRequest(jobId: JobId(), thingName: ThingName(), status: .queued), LayoutProbes.update)
        compareCall(
            "9.9 Request root", CancelJobExecutionRequest(jobId: JobId(), thingName: ThingName()),
            [
                ("force", { $0.force = true }), ("expectedVersion", { $0.expectedVersion = -1 }),
                ("executionNumber", { $0.executionNumber = -1 }),
                ("idempotencyKey", { $0.idempotencyKey = LayoutProbes.key }),
            ])
        compareCall(
            "9.10 Request root", StartNextPendingJobExecutionRequest(thingName: ThingName()),
            [
                ("stepTimeoutInMinutes", { $0.stepTimeoutInMinutes = -1 }),
                ("idempotencyKey", { $0.idempotencyKey = LayoutProbes.key }),
            ])
        compareCall(
            "9.11 Request root", GetPendingJobExecutionsRequest(thingName: ThingName()),
            [("maxResults", { $0.maxResults = .max })])
        compareCall(
            "9.12 Request root", ListJobExecutionsForJobRequest(jobId: JobId()),
            [("maxResults", { $0.maxResults = .max }), ("status", { $0.status = .canceled })])
        // 9.13 is "as 9.12".
        compareCall(
            "9.12 Request root", ListJobExecutionsForThingRequest(thingName: ThingName()),
            [("maxResults", { $0.maxResults = .max }), ("status", { $0.status = .canceled })])
    }

    @Test func requestsOfJobOperationsAndHistory() {
        compareCall(
            "9.15 Request root", CancelJobRequest(jobId: JobId()),
            [("force", { $0.force = true }), ("idempotencyKey", { $0.idempotencyKey = LayoutProbes.key })])
        // 9.16 is "as 9.15", 9.18 "as 9.12".
        compareCall(
            "9.15 Request root", DeleteJobRequest(jobId: JobId()),
            [("force", { $0.force = true }), ("idempotencyKey", { $0.idempotencyKey = LayoutProbes.key })])
        #expect(specification.layouts["9.16 Request root"]?.byteCount == DeleteJobRequest.rootByteCount)
        compareCall("9.17 Request root", UpdateJobRequest(jobId: JobId()), LayoutProbes.updateJob)
        compareCall(
            "9.12 Request root", ListJobsRequest(),
            [("maxResults", { $0.maxResults = .max }), ("status", { $0.status = .canceled })])
        #expect(specification.layouts["9.18 Request root"]?.byteCount == ListJobsRequest.rootByteCount)
        compareCall("9.19 Request root", GetJobDocumentRequest(jobId: JobId()), [])
        compareCall(
            "9.20 Request root", RemoveJobTargetsRequest(jobId: JobId(), targets: []),
            [("idempotencyKey", { $0.idempotencyKey = LayoutProbes.key })])
        compareCall(
            "9.21 Request root",
            DeleteJobExecutionRequest(jobId: JobId(), thingName: ThingName(), executionNumber: 0),
            [
                ("executionNumber", { $0.executionNumber = -1 }), ("force", { $0.force = true }),
                ("idempotencyKey", { $0.idempotencyKey = LayoutProbes.key }),
            ])
        compareCall(
            "9.22 Request root", GetJobExecutionHistoryRequest(jobId: JobId(), thingName: ThingName()),
            [("executionNumber", { $0.executionNumber = -1 }), ("maxResults", { $0.maxResults = .max })])
    }

    @Test func repliesOfJobOperationsAndHistory() {
        compare("8.8 Root block", Done(), [])
        #expect(specification.layouts["9.19 Reply root"]?.byteCount == JobDocumentReply.rootByteCount)
        #expect(bytes(JobDocumentReply(document: "{}")).prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0])
        compare("9.20 Reply root", RemovedTargets(removedCount: 0), [("removedCount", { $0.removedCount = .max })])
        let jobs = (0..<3).map { _ in LayoutProbes.zeroJobSummary }
        compare("9.18 Reply root", JobPage(jobs: [], nextToken: nil), [("count", { $0.jobs = jobs })], isCounted: true)
        compare("9.18 Record root", LayoutProbes.zeroJobSummary, LayoutProbes.jobSummary)
        let entries = (0..<3).map { _ in LayoutProbes.zeroEntry }
        compare(
            "9.22 Reply root", JobExecutionHistoryPage(entries: [], droppedCount: 0, nextToken: nil),
            [("count", { $0.entries = entries }), ("droppedCount", { $0.droppedCount = .max })], isCounted: true)
        compare("8.7 Root block", LayoutProbes.zeroEntry, LayoutProbes.entry)
    }

    @Test func replies() {
        compare("9.1 Reply root", Health.serving, [("state", { $0 = .draining })])
        compare("9.2 Reply root", LayoutProbes.zeroInfo, LayoutProbes.info)
        // 8.5 and 9.3 serve two calls each.
        compare(
            "9.3 Reply root", JobTargetsReceipt(targetsReceived: 0, isComplete: false),
            [("targetsReceived", { $0.targetsReceived = .max }), ("isComplete", { $0.isComplete = true })])
        compare("9.5 Reply root", LayoutProbes.zeroJob, LayoutProbes.job)
        compare(
            "8.5 Root block",
            JobExecutionChange(status: .queued, versionNumber: 0, executionNumber: 0, lastUpdatedAtMilliseconds: 0),
            [
                ("status", { $0.status = .canceled }), ("versionNumber", { $0.versionNumber = -1 }),
                ("executionNumber", { $0.executionNumber = -1 }),
                ("lastUpdatedAtMilliseconds", { $0.lastUpdatedAtMilliseconds = -1 }),
            ])
        compare(
            "8.3 Root block", Failure(applied: .no, message: ""), LayoutProbes.failure,
            sharingABit: ["status", "versionNumber", "executionNumber"])
        let summaries = (0..<3).map { _ in LayoutProbes.zeroSummary }
        compare(
            "9.11 Reply root",
            PendingJobExecutions(inProgressJobs: [], queuedJobs: [], totalCount: 0, nextToken: nil),
            [
                ("totalCount", { $0.totalCount = .max }), ("inProgressCount", { $0.inProgressJobs = summaries }),
                ("queuedCount", { $0.queuedJobs = summaries }),
            ], isCounted: true)
        compare(
            "9.12 Reply root", JobExecutionPage(executions: [], nextToken: nil),
            [("count", { $0.executions = summaries })], isCounted: true)
    }

    @Test func messagesOfWatches() throws {
        let events = (0..<3).map { _ in LayoutProbes.zeroEvent }
        compare(
            "7.7 Root block", EventsMessage(revision: 0, events: []),
            [("count", { $0.events = events }), ("revision", { $0.revision = .max })], isCounted: true)
        compare("7.10 Root block", WatchCredit(credit: 0), [("credit", { $0.credit = .max })])
        #expect(EndWatch.rootByteCount == 0)
        compare("9.23 Reply root", WatchBegun(revision: 0), [("revision", { $0.revision = .max })])
        // Another scope comes with names, so with presence bits: its bytes are tested by themselves.
        var layout = try #require(specification.layouts["9.23 Request root"])
        #expect(layout.byteCount == WatchRequest.rootByteCount)
        let scope = try #require(layout.fields["scope"])
        layout.fields["scope"] = nil
        var timed = ByteWriter()
        LayoutProbes.zeroWatch.writeBody(to: &timed)
        CallTimeout.write(.max, into: &timed, bodyStart: 0)
        compare(
            layout, "9.23", bytes(LayoutProbes.zeroWatch),
            changed(LayoutProbes.zeroWatch, LayoutProbes.watch) + [("timeoutMilliseconds", timed.bytes)])
        #expect(scope.byteCount == 1)
        let table = try #require(specification.table("9.23", "scope"))
        let (job, thing) = (JobId(), ThingName())
        let scopes: [WatchScope] = [.everything, .job(job), .thing(thing), .execution(job, thing), .queue(thing)]
        let written = scopes.map { bytes(WatchRequest(scope: $0, credit: 0)) }
        #expect(table.rows.map { $0[0].prefix(1) } == written.map { "\($0[scope.offset])" })
        #expect(table.rows.map { $0[2] == "present" } == written.map { $0[0] & 1 << 2 != 0 })
        #expect(table.rows.map { $0[3] == "present" } == written.map { $0[0] & 1 << 3 != 0 })
    }

    @Test func anEvent() throws {
        var layout = try #require(specification.layouts["8.9 Root block"])
        #expect(layout.byteCount == JobExecutionEvent.rootByteCount)
        let kind = try #require(layout.fields["kind"])
        layout.fields["kind"] = nil
        let bits = layout.fields.compactMapValues(\.presenceBit)
        // Which fields are there is a matter of the kind; in that of the probes all are.
        layout.fields = layout.fields.mapValues {
            Specification.Field(offset: $0.offset, byteCount: $0.byteCount, presenceBit: nil)
        }
        compare(layout, "8.9", bytes(LayoutProbes.zeroEvent), changed(LayoutProbes.zeroEvent, LayoutProbes.event))
        let written = LayoutProbes.kinds.map { subject in
            var event = LayoutProbes.zeroEvent
            event.subject = subject
            return bytes(event)
        }
        let table = try #require(specification.table("8.9", "kind"))
        #expect(table.rows.map { $0[0] } == written.map { "\($0[kind.offset])" })
        let ofExecutions: Set = ["executionNumber", "versionNumber", "thingName"]
        let present: [Set<String>] = [
            ofExecutions.union(["toStatus"]), ofExecutions.union(["fromStatus"]), ["toStatus"], ["fromStatus"],
        ]
        let all = bits.merging(["thingName": try #require(specification.variableBits["8.9 thingName"]?.first)]) { $1 }
        #expect(Set(all.keys) == ofExecutions.union(["fromStatus", "toStatus"]))
        #expect(
            present.map { names in names.reduce(0) { $0 | 1 << (all[$1] ?? 32) } }
                == written.map { bytes in bytes[0..<4].reversed().reduce(0) { $0 << 8 | Int($1) } })
    }

    @Test func anExecutionAndItsSummary() throws {
        var layout = try #require(specification.layouts["8.1 Root block"])
        compare(
            layout, "8.1", LayoutProbes.execution(nil),
            LayoutProbes.executionFields.map { ($0, LayoutProbes.execution($0)) })
        #expect(layout.byteCount == JobExecutionBody.rootByteCount)
        // 8.2 is "JobExecution's first 48".
        let summary = try #require(specification.layouts["8.2 Root block"])
        layout.byteCount = summary.byteCount
        layout.fields = layout.fields.filter { $0.value.offset < summary.byteCount }
        #expect(summary.byteCount == JobExecutionSummary.rootByteCount)
        compare(layout, "8.2", bytes(LayoutProbes.zeroSummary), changed(LayoutProbes.zeroSummary, LayoutProbes.summary))
    }

    @Test func batches() throws {
        var layout = try #require(specification.layouts["9.14 Request root"])
        let timeout = layout.fields.removeValue(forKey: "timeoutMilliseconds")
        #expect(timeout == Specification.Field(offset: 4, byteCount: 4, presenceBit: 0))
        var (none, most) = (ByteWriter(), ByteWriter())
        BatchRequestRoot.write(itemCount: 0, to: &none)
        BatchRequestRoot.write(itemCount: Int(UInt32.max), to: &most)
        compare(layout, "9.14", none.bytes, [("itemCount", most.bytes)])
        (none, most) = (ByteWriter(), ByteWriter())
        BatchReply.write(itemCount: 0, to: &none)
        BatchReply.write(itemCount: Int(UInt32.max), to: &most)
        compare(try #require(specification.layouts["9.14 Reply root"]), "9.14", none.bytes, [("itemCount", most.bytes)])
    }

    @Test func headers() throws {
        func segment(_ change: (inout SegmentHeader) -> Void) -> [UInt8] {
            var header = SegmentHeader(payloadByteCount: 0, rawByteCount: 0, isCompressed: false, checksum: nil)
            change(&header)
            var writer = ByteWriter()
            writer.appendZeros(16)
            writer.withMutableBytes { header.write(into: &$0, at: 0) }
            // The header's check differs with every field; its place is tested by itself.
            for offset in 10..<12 { writer.bytes[offset] = 0 }
            return writer.bytes
        }
        var layout = try #require(specification.layouts["4 Header"])
        #expect(layout.fields.removeValue(forKey: "headerCheck") == .init(offset: 10, byteCount: 2, presenceBit: nil))
        #expect(layout.fields.removeValue(forKey: "flags") == .init(offset: 8, byteCount: 2, presenceBit: nil))
        #expect(layout.fields.removeValue(forKey: "checksum") == .init(offset: 12, byteCount: 4, presenceBit: nil))
        compare(
            layout, "4", segment { _ in },
            [
                ("payloadByteCount", segment { $0.payloadByteCount = Int(UInt32.max) }),
                ("rawByteCount", segment { $0.rawByteCount = Int(UInt32.max) }),
            ])
        #expect(segment { $0.isCompressed = true }[8...9] == [1, 0])
        #expect(segment { $0.checksum = 0x0403_0201 }[8...] == [2, 0, 0, 0, 1, 2, 3, 4])
        func frame(_ change: (inout FrameHeader) -> Void) -> [UInt8] {
            var header = FrameHeader(
                bodyByteCount: 0, opcode: 0, flags: [], status: 0, rootWordCount: 0, requestId: 0)
            change(&header)
            var writer = ByteWriter()
            writer.appendZeros(16)
            writer.withMutableBytes { header.write(into: &$0, at: 0) }
            return writer.bytes
        }
        compare(
            try #require(specification.layouts["5 Header"]), "5", frame { _ in },
            [
                ("bodyByteCount", frame { $0.bodyByteCount = Int(UInt32.max) }), ("opcode", frame { $0.opcode = 9 }),
                ("flags", frame { $0.flags = .reply }), ("status", frame { $0.status = 9 }),
                ("rootWordCount", frame { $0.rootWordCount = 9 }), ("requestId", frame { $0.requestId = .max }),
            ])
        var record = ByteWriter()
        let start = record.beginRecord(status: .notFound, rootByteCount: 48)
        record.endRecord(start)
        #expect(record.bytes == [0, 0, 0, 0, StatusCode.notFound.rawValue, 0, 6, 0])
        let written = try #require(specification.layouts["8.4 header of"])
        #expect(written.byteCount == 8)
        #expect(
            written.fields.mapValues(\.offset) == ["bodyByteCount": 0, "status": 4, "flags": 5, "rootWordCount": 6])
    }

    // MARK: How they are compared

    private var zeroHello: Hello {
        var hello = Hello()
        (hello.versionMin, hello.versionMax, hello.segmentByteCountMax) = (0, 0, 0)
        return hello
    }

    private var zeroWelcome: Welcome { LayoutProbes.zeroWelcome }

    private func bytes(_ message: some Message) -> [UInt8] {
        var writer = ByteWriter()
        message.writeBody(to: &writer)
        return writer.bytes
    }

    private func changed<Body: Message>(
        _ base: Body, _ probes: [(String, (inout Body) -> Void)]
    ) -> [(String, [UInt8])] {
        probes.map { name, change in
            var message = base
            change(&message)
            return (name, bytes(message))
        }
    }

    private func compare<Body: Message>(
        _ name: String, _ base: Body, _ probes: [(String, (inout Body) -> Void)], sharingABit: Set<String> = [],
        isCounted: Bool = false
    ) {
        guard let layout = specification.layouts[name] else {
            Issue.record("SPEC has no \(name)")
            return
        }
        #expect(layout.byteCount == Body.rootByteCount, "\(name)")
        compare(layout, name, bytes(base), changed(base, probes), sharingABit: sharingABit, isCounted: isCounted)
    }

    /// A call's own fields, and the deadline that all begin with.
    private func compareCall<Request: RequestMessage>(
        _ name: String, _ base: Request, _ probes: [(String, (inout Request) -> Void)]
    ) {
        guard var layout = specification.layouts[name] else {
            Issue.record("SPEC has no \(name)")
            return
        }
        #expect(layout.byteCount == Request.rootByteCount, "\(name)")
        // A root block of 8 bytes has only the deadline, whose table stands in section 6.
        if layout.fields.isEmpty {
            layout.fields["timeoutMilliseconds"] = Specification.Field(offset: 4, byteCount: 4, presenceBit: 0)
        }
        var timed = ByteWriter()
        base.writeBody(to: &timed)
        CallTimeout.write(.max, into: &timed, bodyStart: 0)
        compare(layout, name, bytes(base), changed(base, probes) + [("timeoutMilliseconds", timed.bytes)])
    }

    private func compare(
        _ layout: Specification.Layout, _ name: String, _ base: [UInt8], _ changed: [(String, [UInt8])],
        sharingABit: Set<String> = [], isCounted: Bool = false
    ) {
        #expect(Set(changed.map(\.0)) == Set(layout.fields.keys), "\(name)")
        for (field, bytes) in changed {
            guard let expected = layout.fields[field] else { continue }
            let root = 0..<min(layout.byteCount, base.count, bytes.count)
            let hasPresence = expected.presenceBit != nil
            let different = root.filter { base[$0] != bytes[$0] && (!hasPresence || $0 >= 4) }
            let range = expected.offset..<(expected.offset + expected.byteCount)
            if isCounted && ["count", "inProgressCount", "queuedCount"].contains(field) {
                // A count changes by little: its first byte.
                #expect(different == [expected.offset], "\(name) \(field)")
            } else if sharingABit.contains(field) {
                #expect(Set(range).isSubset(of: different), "\(name) \(field)")
            } else {
                #expect(different == Array(range), "\(name) \(field)")
            }
            if let bit = expected.presenceBit {
                let presence = bytes[0..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                #expect(presence == 1 << UInt32(bit), "\(name) \(field)")
            }
        }
    }
}
