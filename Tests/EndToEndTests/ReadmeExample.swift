import ErrandClient

func updateOneDevice(port: Int) async throws -> String {
    let client = try await JobExecutionClient.connect(host: "127.0.0.1", port: port)
    defer { client.close() }

    try await client.createJob(
        jobId: "firmware-7-4-1", document: #"{"operation":"install","version":"7.4.1"}"#,
        targets: ["press-1", "press-2"])

    // A device takes the head of its queue, reports, and finishes.
    guard let work = try await client.startNextPendingJobExecution(thingName: "press-1") else { return "nothing to do" }
    let report = try await client.updateJobExecution(
        jobId: "firmware-7-4-1", thingName: "press-1", status: .inProgress, statusDetails: ["progress": "40/100"],
        expectedVersion: work.versionNumber, executionNumber: work.executionNumber)

    // Somebody cancels it meanwhile: the late report is refused, and the error carries what is true now.
    _ = try await client.cancelJobExecution(jobId: "firmware-7-4-1", thingName: "press-1", force: true)
    do {
        _ = try await client.updateJobExecution(
            jobId: "firmware-7-4-1", thingName: "press-1", status: .succeeded, expectedVersion: report.versionNumber)
        return "succeeded"
    } catch {
        guard let state = error.executionState else { throw error }
        return "\(error.code), applied: \(error.applied), now \(state.status) at version \(state.versionNumber)"
    }
}
