import ErrandClient
import ErrandCore

/// The executions that a bench run describes and updates: one job on many things, each started with three details
/// of real size.
struct BenchTargets: Sendable {
    let jobId: JobId
    let thingNames: [ThingName]

    init(thingCount: Int, jobId: String) throws {
        self.jobId = try JobId(jobId)
        thingNames = try (0..<thingCount).map { try ThingName("press-line-\(1_000_000 + $0)") }
    }

    static let details = [
        (key: "progress", value: "42/100"), (key: "step", value: "download: block 0042 of 0100"),
        (key: "firmware", value: "press-controller 7.4.1-rc2+build.5521"),
    ]

    /// Creates the job, and starts every execution with its details.
    func prepare(with client: JobExecutionClient) async throws {
        try await client.createJob(
            jobId: jobId, document: #"{"operation":"firmware","version":"7.4.1"}"#, targets: thingNames)
        let details = try StatusDetails(Self.details)
        let requests = thingNames.map {
            UpdateJobExecutionRequest(jobId: jobId, thingName: $0, status: .inProgress, statusDetails: details)
        }
        // The last things of a large job may be queued a moment after it exists.
        var left = requests
        while !left.isEmpty {
            let results = try await client.updateJobExecutions(left, timeout: .seconds(60))
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
