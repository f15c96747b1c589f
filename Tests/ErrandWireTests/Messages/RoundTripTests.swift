import ErrandCore
import ErrandWire
import Testing

/// Random messages, encoded and decoded again. The seed is printed with a failure; the same seed makes the same messages.
@Suite(.timeLimit(.minutes(2)))
struct RoundTripTests {
    private static let seeds = Array(UInt64(1)...40)

    private func back<Body: Message & Equatable>(_ message: Body, _ seed: UInt64) {
        var writer = ByteWriter()
        message.writeBody(to: &writer)
        let bytes = writer.bytes
        do throws(MessageFault) {
            var reader = try MessageReader(
                bytes.span.bytes, rootWordCount: UInt8(Body.rootByteCount / 8), hasTail: false,
                rootByteCount: Body.rootByteCount)
            let decoded = try Body(from: &reader)
            #expect(decoded == message, "seed \(seed)")
        } catch {
            Issue.record("seed \(seed): \(Body.self) is refused: \(error)")
        }
    }

    @Test(arguments: seeds)
    func requestsComeBackAsTheyWere(_ seed: UInt64) throws {
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        back(try maker.describe(), seed)
        back(try maker.describeOwn(), seed)
        back(try maker.update(), seed)
        back(try maker.cancel(), seed)
        back(try maker.startNext(), seed)
        back(try maker.getPending(), seed)
        back(try maker.listForJob(), seed)
        back(try maker.listForThing(), seed)
        back(try maker.createJob(), seed)
        back(try maker.addTargets(), seed)
        back(DescribeJobRequest(jobId: try maker.jobId()), seed)
        back(HealthRequest(), seed)
        back(ServerInfoRequest(), seed)
    }

    @Test(arguments: seeds)
    func requestsOfJobOperationsAndHistoryComeBackAsTheyWere(_ seed: UInt64) throws {
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        back(try maker.cancelJob(), seed)
        back(try maker.deleteJob(), seed)
        back(try maker.updateJob(), seed)
        back(maker.listJobs(), seed)
        back(GetJobDocumentRequest(jobId: try maker.jobId()), seed)
        back(try maker.removeTargets(), seed)
        back(try maker.deleteExecution(), seed)
        back(try maker.getHistory(), seed)
    }

    @Test(arguments: seeds)
    func messagesOfWatchesComeBackAsTheyWere(_ seed: UInt64) throws {
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        back(try maker.watch(), seed)
        back(WatchBegun(revision: maker.long()), seed)
        for _ in 0..<8 { back(try maker.event(revision: maker.long()), seed) }
        back(try maker.events(), seed)
        back(WatchCredit(credit: maker.short()), seed)
        back(EndWatch(), seed)
    }

    @Test(arguments: seeds)
    func repliesComeBackAsTheyWere(_ seed: UInt64) throws {
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        back(try maker.summary(), seed)
        back(try maker.change(), seed)
        back(try maker.page(), seed)
        back(try maker.pending(), seed)
        back(try maker.job(), seed)
        back(try maker.failure(), seed)
        back(maker.info(), seed)
        back(Health.draining, seed)
        back(Done(), seed)
        back(try maker.jobPage(), seed)
        back(JobDocumentReply(document: maker.text(200)), seed)
        back(RemovedTargets(removedCount: maker.short()), seed)
        back(try maker.history(), seed)
        back(JobTargetsReceipt(targetsReceived: maker.short(), isComplete: maker.flag()), seed)
        let execution = try maker.execution()
        var writer = ByteWriter()
        execution.write(to: &writer)
        let bytes = writer.bytes
        var reader = try MessageReader(bytes.span.bytes, rootWordCount: 7, hasTail: false, rootByteCount: 56)
        #expect(try JobExecution(from: &reader) == execution, "seed \(seed)")
    }

    @Test(arguments: seeds)
    func controlMessagesComeBackAsTheyWere(_ seed: UInt64) {
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        var hello = Hello()
        hello.features = maker.long()
        hello.clientName = maker.text(12)
        back(hello, seed)
        back(maker.welcome(), seed)
        back(Ping(opaque: maker.long()), seed)
        back(CancelCall(), seed)
        back(ConnectionErrorMessage(reason: 9, message: maker.text(100)), seed)
        back(
            GoAway(
                lastRequestId: maker.long(), graceMilliseconds: maker.short(), retryAfterMilliseconds: maker.short(),
                message: maker.text(100)), seed)
    }

    @Test(arguments: seeds)
    func batchesComeBackAsTheyWere(_ seed: UInt64) throws {
        var maker = MessageMaker(generator: SeededGenerator(seed: seed))
        let items = try (0...Int(seed % 9)).map { _ in try maker.update() }
        var encoder = SegmentEncoder(agreement: .beforeWelcome, segmentByteCountMax: 262_144)
        let isKept = encoder.appendBatch(items[...], requestId: 3, timeoutMilliseconds: 9)
        #expect(isKept)
        var output: [UInt8] = []
        encoder.seal(into: &output, with: Deflater())
        let bytes = Array(output.dropFirst(16))
        let frame = try #require(Frame(bytes))
        #expect(CallTimeout.read(frame.body.span.bytes) == 9)
        let decoded = try BatchItems<UpdateJobExecutionRequest>(frame.body.span.bytes, frame.header, itemCountMax: 256)
        #expect(decoded.items == items.map { .success($0) }, "seed \(seed)")
    }

    @Test func aLongMessageIsCutBetweenCharactersAndShowsNoControlCharacters() throws {
        var writer = ByteWriter()
        writer.appendMessage("a\nb\u{7F}" + String(repeating: "ü", count: 400))
        let text = try #require(String(validating: writer.bytes.dropFirst(2), as: UTF8.self))
        #expect(text.hasPrefix("a?b?"))
        #expect(text.utf8.count == 512)
    }
}
