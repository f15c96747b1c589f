import ErrandClient

/// One simulated device, and the operator where the device's fate asks for one. Every reply is compared with what the
/// request has to lead to.
struct Device {
    let index: Int
    let thingName: ThingName
    let job: FirmwareJob
    /// Many devices share its connections.
    let client: JobExecutionClient
    /// Another connection: cancels come from elsewhere.
    let operatorClient: JobExecutionClient
    let board: Scoreboard

    private var versionNumber: Int64 = 1
    private var lastUpdatedAtMilliseconds: Int64 = 0

    init(
        index: Int, thingName: ThingName, job: FirmwareJob, client: JobExecutionClient,
        operatorClient: JobExecutionClient, board: Scoreboard
    ) {
        self.index = index
        self.thingName = thingName
        self.job = job
        self.client = client
        self.operatorClient = operatorClient
        self.board = board
    }

    /// Lives the device's part of the job; returns how it saw its execution last.
    mutating func run() async throws -> Sighting {
        switch Fate(ofDevice: index) {
        case .neverPulls:
            return Sighting(status: .queued, versionNumber: versionNumber)
        case .canceledWhileQueued:
            try await cancel(force: false)
            try await pullNothing()
            try await learnOfCancel()
            return Sighting(status: .canceled, versionNumber: versionNumber)
        case .canceledWhileRunning:
            try await pull()
            try await report(.inProgress, job.progress(20, step: "download", device: index))
            try await cancelWithoutForceIsRefused()
            try await cancel(force: true)
            try await reportTooLate()
            return Sighting(status: .canceled, versionNumber: versionNumber, forceCanceled: true)
        case .rejects:
            try await pull()
            try await report(.rejected, job.rejection(device: index))
            return Sighting(status: .rejected, versionNumber: versionNumber)
        case .timesOut:
            try await pull()
            try await report(.inProgress, job.progress(20, step: "download", device: index), stepTimeoutInMinutes: 1)
            // The server counts the timeout as one more change.
            return Sighting(status: .timedOut, versionNumber: versionNumber + 1)
        case .stalls:
            try await pull()
            try await report(.inProgress, job.progress(20, step: "download", device: index))
            return Sighting(status: .inProgress, versionNumber: versionNumber)
        case .fails:
            try await pull()
            try await report(.inProgress, job.progress(20, step: "download", device: index))
            try await report(.inProgress, job.progress(55, step: "verify", device: index))
            try await report(.failed, job.failure(device: index))
            return Sighting(status: .failed, versionNumber: versionNumber)
        case .succeeds:
            try await pull()
            try await report(.inProgress, job.progress(20, step: "download", device: index))
            if index % 16 == 0 { try await staleReportIsRefused() }
            try await report(.inProgress, job.progress(40, step: "download", device: index))
            try await report(.inProgress, job.progress(55, step: "verify", device: index))
            try await report(.inProgress, job.progress(80, step: "install", device: index))
            try await report(.succeeded, job.success())
            return Sighting(status: .succeeded, versionNumber: versionNumber)
        }
    }

    // MARK: Calls of the device

    private mutating func pull() async throws {
        let reply = try await client.startNextPendingJobExecution(
            StartNextPendingJobExecutionRequest(
                thingName: thingName, statusDetails: job.progress(0, step: "start", device: index)))
        board.called()
        guard let execution = reply else { throw Disagreement("pull: nothing pending") }
        versionNumber += 1
        try Disagreement.check("pull: jobId", execution.jobId, is: job.jobId)
        try Disagreement.check("pull: thingName", execution.thingName, is: thingName)
        try Disagreement.check("pull: thingArn", execution.thingArn, is: "\(client.thingArnPrefix):thing/\(thingName)")
        try Disagreement.check("pull: executionNumber", execution.executionNumber, is: 1)
        try Disagreement.check("pull: status", execution.status, is: .inProgress)
        try Disagreement.check("pull: versionNumber", execution.versionNumber, is: versionNumber)
        try Disagreement.check("pull: jobDocument", execution.jobDocument, is: FirmwareJob.document)
        try Disagreement.check(
            "pull: startedAt", execution.startedAtMilliseconds, is: execution.lastUpdatedAtMilliseconds)
        lastUpdatedAtMilliseconds = execution.lastUpdatedAtMilliseconds
    }

    private func pullNothing() async throws {
        let reply = try await client.startNextPendingJobExecution(
            StartNextPendingJobExecutionRequest(thingName: thingName))
        board.called()
        try Disagreement.check("pull after cancel: jobId", reply?.jobId, is: nil)
    }

    private mutating func report(
        _ status: JobExecutionStatus, _ details: StatusDetails, stepTimeoutInMinutes: Int64? = nil
    ) async throws {
        let change = try await client.updateJobExecution(
            UpdateJobExecutionRequest(
                jobId: job.jobId, thingName: thingName, status: status, statusDetails: details,
                expectedVersion: versionNumber, executionNumber: 1, stepTimeoutInMinutes: stepTimeoutInMinutes))
        board.called()
        try check("report", change, is: status)
    }

    private mutating func check(_ what: String, _ change: JobExecutionChange, is status: JobExecutionStatus) throws {
        versionNumber += 1
        try Disagreement.check("\(what): status", change.status, is: status)
        try Disagreement.check("\(what): versionNumber", change.versionNumber, is: versionNumber)
        try Disagreement.check("\(what): executionNumber", change.executionNumber, is: 1)
        guard change.lastUpdatedAtMilliseconds >= lastUpdatedAtMilliseconds else {
            throw Disagreement("\(what): lastUpdatedAt goes back to \(change.lastUpdatedAtMilliseconds)")
        }
        lastUpdatedAtMilliseconds = change.lastUpdatedAtMilliseconds
    }

    // MARK: Calls of the operator

    private mutating func cancel(force: Bool) async throws {
        let change = try await operatorClient.cancelJobExecution(
            CancelJobExecutionRequest(
                jobId: job.jobId, thingName: thingName, force: force, expectedVersion: versionNumber, executionNumber: 1
            ))
        board.called()
        try check("cancel", change, is: .canceled)
    }

    // MARK: Refusals that have to come

    private func cancelWithoutForceIsRefused() async throws {
        try await refused(.invalidStateTransition, .inProgress) { () async throws(ErrandError) in
            _ = try await operatorClient.cancelJobExecution(
                CancelJobExecutionRequest(jobId: job.jobId, thingName: thingName))
        }
    }

    private func reportTooLate() async throws {
        let details = try job.progress(60, step: "verify", device: index)
        try await refused(.invalidStateTransition, .canceled) { () async throws(ErrandError) in
            _ = try await client.updateJobExecution(
                UpdateJobExecutionRequest(
                    jobId: job.jobId, thingName: thingName, status: .inProgress, statusDetails: details))
        }
    }

    private func learnOfCancel() async throws {
        try await refused(.terminalState, .canceled) { () async throws(ErrandError) in
            _ = try await client.describeOwnJobExecution(
                DescribeOwnJobExecutionRequest(jobId: job.jobId, thingName: thingName))
        }
    }

    private func staleReportIsRefused() async throws {
        try await refused(.versionMismatch, .inProgress) { () async throws(ErrandError) in
            _ = try await client.updateJobExecution(
                UpdateJobExecutionRequest(
                    jobId: job.jobId, thingName: thingName, status: .succeeded, expectedVersion: versionNumber - 1))
        }
    }

    private func refused(
        _ code: StatusCode, _ status: JobExecutionStatus, _ call: () async throws(ErrandError) -> Void
    ) async throws {
        do throws(ErrandError) {
            try await call()
            board.called()
        } catch {
            guard error.code == code else { throw error }
            board.called()
            board.refused()
            try Disagreement.check("\(code): status", error.executionState?.status, is: status)
            try Disagreement.check("\(code): versionNumber", error.executionState?.versionNumber, is: versionNumber)
            try Disagreement.check("\(code): executionNumber", error.executionState?.executionNumber, is: 1)
            return
        }
        throw Disagreement("expected a refusal with \(code)")
    }
}
