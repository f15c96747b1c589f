internal import ErrandCore
internal import ErrandTransport
internal import ErrandWire

/// The calls of one load connection: keeps a number in flight, checks each reply and replaces it by a new call.
///
/// A value, which its connection changes in place: each access to a variable of a class would be checked at run time.
struct LoadCalls: ReplySink {
    private let load: Load
    private let targets: BenchTargets
    /// Those of the targets that each call needs, for whose sake the targets would be copied with all that they refer to.
    private let jobId: JobId
    private let isOpenLoop: Bool
    var encoder = SegmentEncoder(
        agreement: .beforeWelcome, segmentByteCountMax: WireLimits.segmentByteCountMaxBeforeWelcome)
    /// When the bytes now being read came, in steady nanoseconds.
    var now: Int64 = 0
    private var isStopping = false
    private var lastRequestId: UInt64 = 0
    private var random: RandomKeys
    /// The thing of the next call, whose name is on its way from memory.
    private var nextThing: Int
    /// What is in flight, by request id modulo the ring's size: which thing, and since when.
    private var ring: [InFlight]
    private var unanswered = 0
    /// What the replies of the bytes now being read took; told to the load all at once.
    private var nanoseconds: [Int64] = []
    private var wrongCount = 0

    private struct InFlight {
        /// 0 when it has been answered.
        var requestId: UInt64 = 0
        var opcode: UInt8 = 0
        var sentAt: Int64 = 0
        var name = BenchTargets.Name(repeating: 0)
    }

    init(load: Load, seed: UInt64) {
        self.load = load
        targets = load.targets
        jobId = load.targets.jobId
        isOpenLoop = load.isOpenLoop
        random = RandomKeys(state: seed)
        nextThing = random.next(below: load.targets.thingCount)
        // Describes are answered about in order. Updates may wait for a disk, and describes overtake them by far.
        let ringFactor = load.operation == .describe ? 2 : 64
        ring = Array(repeating: InFlight(), count: max(16, load.inFlight.nextPowerOfTwo * ringFactor))
    }

    mutating func welcomed(_ welcome: Welcome) {
        encoder.agreement = SegmentAgreement(compression: welcome.compression == 1, checksums: welcome.checksums == 1)
        encoder.segmentByteCountMax = Int(welcome.segmentByteCountMax)
        load.welcomed()
    }

    func goAway(_ goAway: GoAway, status: StatusCode) { load.failed(.unavailable, "the server goes away") }
    mutating func ping(opaque: UInt64) { encoder.appendControl(Ping(opaque: opaque), .pong) }
    func pong(opaque: UInt64) {}
    // It watches nothing.
    func events(_ requestId: UInt64, _ events: EventsMessage) -> Bool { false }
    func notify(_ requestId: UInt64, _ pending: PendingJobExecutions) -> Bool { false }
    func notifyNext(_ requestId: UInt64, _ execution: JobExecution?) -> Bool { false }
    func watchEnded(_ requestId: UInt64, status: StatusCode, _ failure: Failure) -> Bool { false }
    func connectionError(_ error: ConnectionErrorMessage, status: StatusCode) {
        load.failed(status, "the server closed a connection: \(error.message)")
    }

    /// Begins the run; on the loop.
    mutating func begin() {
        now = SystemCall.steadyNanoseconds
        for _ in 0..<load.inFlight { sendNext(at: now) }
    }

    var hasRoom: Bool { unanswered < load.inFlight }

    mutating func stop() {
        isStopping = true
        if unanswered == 0 { load.finished() }
    }

    /// `moment` is when its latency begins.
    mutating func sendNext(at moment: Int64) {
        let thing = nextThing
        nextThing = random.next(below: targets.thingCount)
        targets.prefetchName(nextThing)
        lastRequestId += 1
        let name = targets.name(thing)
        var opcode = Opcode.describeJobExecution
        if load.operation.isUpdate(Int(truncatingIfNeeded: lastRequestId)) {
            opcode = .updateJobExecution
            _ = encoder.appendCall(
                UpdateJobExecutionRequest(
                    jobId: targets.jobId, thingName: targets.thingName(thing), status: .inProgress,
                    statusDetails: targets.changingDetails[Int(lastRequestId) % targets.changingDetails.count]),
                requestId: lastRequestId, timeoutMilliseconds: nil)
        } else {
            _ = DescribeJobExecutionRequest.append(
                jobId: jobId.bytes, thingName: name.span.bytes, requestId: lastRequestId, to: &encoder)
        }
        ring[Int(lastRequestId) & (ring.count - 1)] = InFlight(
            requestId: lastRequestId, opcode: opcode.rawValue, sentAt: moment, name: name)
        unanswered += 1
    }

    mutating func reply(_ header: FrameHeader, _ body: RawSpan) -> Bool {
        let place = Int(truncatingIfNeeded: header.requestId) & (ring.count - 1)
        let entry = ring[place]
        guard entry.requestId == header.requestId, entry.requestId != 0 else { return false }
        ring[place].requestId = 0
        unanswered -= 1
        let isRight =
            header.status == 0 && header.opcode == entry.opcode
            && (entry.opcode != Opcode.describeJobExecution.rawValue || isOf(entry.name, header, body))
        nanoseconds.append(now - entry.sentAt)
        if !isRight { wrongCount += 1 }
        if isStopping {
            if unanswered == 0 {
                record()
                load.finished()
            }
        } else if !isOpenLoop {
            sendNext(at: now)
        }
        return true
    }

    /// Tells the load of the replies that have come.
    mutating func record() {
        guard !nanoseconds.isEmpty else { return }
        load.record(nanoseconds, wrongCount: wrongCount)
        nanoseconds.removeAll(keepingCapacity: true)
        wrongCount = 0
    }

    /// Whether the reply names the job and the thing that were asked for, and has the details that were reported.
    private func isOf(_ name: BenchTargets.Name, _ header: FrameHeader, _ body: RawSpan) -> Bool {
        let jobIdStart = Int(header.rootWordCount) * 8 + 2
        let nameStart = jobIdStart + jobId.bytes.byteCount + 2
        let nameEnd = nameStart + BenchTargets.nameByteCount
        let detailsStart = nameEnd + 2
        guard body.byteCount >= detailsStart + targets.detailsByteCount,
            body.extracting(jobIdStart..<(nameStart - 2)).hasSameBytes(as: jobId.bytes),
            body.extracting(nameStart..<nameEnd).hasSameBytes(as: name.span.bytes),
            Int(body.loadLittleEndian(at: nameEnd, as: UInt16.self)) == BenchTargets.details.count
        else { return false }
        // Updates change the progress, which comes first, and nothing behind it.
        let checkedFrom = load.operation == .describe ? 0 : BenchTargets.progressByteCount
        return targets.hasDetails(
            body.extracting((detailsStart + checkedFrom)..<(detailsStart + targets.detailsByteCount)), from: checkedFrom
        )
    }
}

/// A small, quick generator: the load must not be what is measured.
struct RandomKeys {
    var state: UInt64

    mutating func next(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int((state &* 0x2545_F491_4F6C_DD1D).multipliedFullWidth(by: UInt64(bound)).high)
    }
}

extension Int {
    var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
