public import ErrandCore
internal import ErrandWire

extension JobExecutionClient {
    /// Names that go into one call: well inside what a segment takes.
    private static let targetByteCountPerCall = 128_000

    /// Creates a job with up to a million targets, in as many calls as that takes; the job appears whole when the last
    /// one is answered (SPEC §9.3).
    ///
    /// Safe to repeat with the same content: a job that exists already, or was sent in part, is completed, not doubled.
    /// - Throws: `ErrandError`: ALREADY_EXISTS if the id has other content, INVALID_REQUEST if a field is outside its
    ///   limits; all names are checked before the first call.
    /// - Parameter configuration: time limit, retries, rollout and abort criteria (SPEC §8.6).
    /// - Parameter timeout: for each of the calls.
    public func createJob(
        jobId: String, document: String, targets: [String], description: String? = nil,
        configuration: JobConfiguration, timeout: Duration? = nil
    ) async throws(ErrandError) {
        var names: [ThingName] = []
        names.reserveCapacity(targets.count)
        for target in targets { names.append(try Self.thing(target)) }
        try await createJob(
            jobId: Self.job(jobId), document: document, targets: names, description: description,
            configuration: configuration, timeout: timeout)
    }

    /// Creates a job without retries, rollout and abort criteria; see the variant with a configuration.
    public func createJob(
        jobId: String, document: String, targets: [String], description: String? = nil,
        inProgressTimeoutInMinutes: Int64? = nil, timeout: Duration? = nil
    ) async throws(ErrandError) {
        try await createJob(
            jobId: jobId, document: document, targets: targets, description: description,
            configuration: JobConfiguration(inProgressTimeoutInMinutes: inProgressTimeoutInMinutes), timeout: timeout)
    }

    /// Creates a job; see the variant with strings.
    ///
    /// - Parameter progress: told after each call how many of the targets the server has.
    public func createJob(
        jobId: JobId, document: String, targets: [ThingName], description: String? = nil,
        configuration: JobConfiguration = JobConfiguration(), timeout: Duration? = nil,
        progress: (@Sendable (_ targetsReceived: Int) -> Void)? = nil
    ) async throws(ErrandError) {
        guard let targetCount = UInt32(exactly: targets.count) else {
            throw ErrandError(.invalidRequest, "\(targets.count) targets are too many")
        }
        var end = Self.endOfChunk(targets, from: 0)
        let request = CreateJobRequest(
            jobId: jobId, document: document, description: description, configuration: configuration,
            targetCount: targetCount, targets: Array(targets[..<end]))
        do throws(InvalidField) { try request.validate() } catch { throw ErrandError(error) }
        _ = try await call(request, key: jobId, timeout: timeout)
        progress?(end)
        while end < targets.count {
            let start = end
            end = Self.endOfChunk(targets, from: start)
            let more = AddJobTargetsRequest(
                jobId: jobId, targetOffset: UInt32(truncatingIfNeeded: start), targets: Array(targets[start..<end]))
            _ = try await call(more, key: jobId, timeout: timeout)
            progress?(end)
        }
    }

    static func endOfChunk(_ targets: [ThingName], from start: Int) -> Int {
        var byteCount = 0
        var end = start
        while end < targets.count, byteCount < targetByteCountPerCall {
            byteCount += 2 + targets[end].bytes.byteCount
            end += 1
        }
        return end
    }

    /// A job and how many of its things have which status (SPEC §9.5).
    public func describeJob(jobId: String, timeout: Duration? = nil) async throws(ErrandError) -> Job {
        let jobId = try Self.job(jobId)
        return try await call(DescribeJobRequest(jobId: jobId), key: jobId, timeout: timeout)
    }

    /// Whether the server takes calls (SPEC §9.1).
    public func health(timeout: Duration? = nil) async throws(ErrandError) -> Health {
        try await call(HealthRequest(), key: 0, timeout: timeout)
    }

    /// What the server says of itself (SPEC §9.2).
    public func serverInfo(timeout: Duration? = nil) async throws(ErrandError) -> ServerInfo {
        try await call(ServerInfoRequest(), key: 0, timeout: timeout)
    }
}
