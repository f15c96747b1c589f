internal import CPrefetch
internal import ErrandClient
internal import ErrandCore

/// The executions that a bench run describes and updates: one job on many things, each started with three details
/// of real size.
struct BenchTargets: Sendable {
    let jobId: JobId
    let thingCount: Int
    /// All names, one behind the other, each of the same length.
    private let nameBytes: [UInt8]

    static let nameByteCount = 18

    /// What updates report, one after the other, so that each changes something: of one length, only the progress differs.
    let changingDetails: [StatusDetails]

    /// What every execution has at first.
    private let firstDetails: StatusDetails

    var detailsByteCount: Int { firstDetails.flat.count }

    /// Of the key and value that change, with their byte counts.
    static let progressByteCount = 2 + 8 + 2 + 6

    /// Whether these are the flat details of every execution from that byte on.
    func hasDetails(_ bytes: RawSpan, from start: Int) -> Bool {
        bytes.hasSameBytes(as: firstDetails.flat.span.bytes.extracting(droppingFirst: start))
    }

    init(thingCount: Int, jobId: String) throws {
        firstDetails = try StatusDetails(Self.details)
        self.jobId = try JobId(jobId)
        self.thingCount = thingCount
        nameBytes = (0..<thingCount).flatMap { "press-line-\(1_000_000 + $0)".utf8 }
        changingDetails = try (10..<100).map { percent in
            try StatusDetails(Self.details.map { $0.key == "progress" ? ($0.key, "\(percent)/100") : $0 })
        }
        guard nameBytes.count == thingCount * Self.nameByteCount else {
            throw ErrandError(.invalidRequest, "a load takes 1 to 1000000 things")
        }
    }

    func thingName(_ index: Int) -> ThingName { ThingName(stored: nameSpan(index)) }

    /// A name that needs no memory of its own.
    typealias Name = InlineArray<18, UInt8>

    func name(_ index: Int) -> Name {
        let bytes = nameSpan(index)
        return Name { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }

    func prefetchName(_ index: Int) {
        nameBytes.withUnsafeBytes { bytes in
            // Only ever an address, which nobody reads through.
            if let base = bytes.baseAddress { errand_prefetch(base + index * Self.nameByteCount) }
        }
    }

    @_lifetime(borrow self)
    private func nameSpan(_ index: Int) -> RawSpan {
        nameBytes.span.bytes.extracting((index * Self.nameByteCount)..<((index + 1) * Self.nameByteCount))
    }

    static let details = [
        (key: "progress", value: "42/100"), (key: "step", value: "download: block 0042 of 0100"),
        (key: "firmware", value: "press-controller 7.4.1-rc2+build.5521"),
    ]

    /// Creates the job, and starts every execution with its details.
    ///
    /// `updateTimeout` is for all updates: each waits for those before it.
    func prepare(with client: JobExecutionClient, updateTimeout: Duration) async throws {
        let thingNames = (0..<thingCount).map(thingName)
        try await client.createJob(
            jobId: jobId, document: #"{"operation":"firmware","version":"7.4.1"}"#, targets: thingNames)
        let details = try StatusDetails(Self.details)
        let requests = thingNames.map {
            UpdateJobExecutionRequest(jobId: jobId, thingName: $0, status: .inProgress, statusDetails: details)
        }
        // The last things of a large job may be queued a moment after it exists.
        var left = requests
        while !left.isEmpty {
            let results = try await client.updateJobExecutions(left, timeout: updateTimeout)
            var again: [UpdateJobExecutionRequest] = []
            for (request, result) in zip(left, results) {
                if case .failure(let error) = result {
                    guard error.code == .notFound else { throw error }
                    again.append(request)
                }
            }
            left = again
        }
    }
}
