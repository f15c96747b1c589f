import ErrandClient

/// Reads everything back with list calls and compares it, execution by execution, with what was seen.
struct ReadBack {
    let fleet: Fleet
    let sightings: [Sighting?]
    private(set) var counts: [JobExecutionStatus: Int] = [:]
    private(set) var executionCount = 0
    private var isListed: [Bool]

    private static let samplesMax = 64

    init(_ fleet: Fleet, _ sightings: [Sighting?]) {
        self.fleet = fleet
        self.sightings = sightings
        isListed = Array(repeating: false, count: sightings.count)
    }

    private var client: JobExecutionClient { fleet.operatorClient }
    private var jobId: String { fleet.job.jobId.description }

    mutating func run() async throws {
        for status in JobExecutionStatus.allCases {
            for try await execution in try client.jobExecutions(jobId: jobId, status: status) {
                check(execution, listedAs: status)
            }
        }
        for (index, wasListed) in isListed.enumerated() where !wasListed {
            fleet.board.add("\(fleet.thingNames[index]): in no list")
        }
        try await checkJob()
        try await checkSamples()
    }

    private mutating func check(_ execution: JobExecutionSummary, listedAs status: JobExecutionStatus) {
        counts[status, default: 0] += 1
        executionCount += 1
        do throws(Disagreement) {
            guard let index = fleet.index(of: execution.thingName) else {
                throw Disagreement("listed, but never a target")
            }
            guard !isListed[index] else { throw Disagreement("listed twice") }
            isListed[index] = true
            try Disagreement.check("listed jobId", execution.jobId, is: fleet.job.jobId)
            try Disagreement.check("listed executionNumber", execution.executionNumber, is: 1)
            try Disagreement.check("status in the list of \(status)", execution.status, is: status)
            // A device that met a disagreement has said so already.
            guard let seen = sightings[index] else { return }
            try Disagreement.check("listed status", execution.status, is: seen.status)
            try Disagreement.check("listed versionNumber", execution.versionNumber, is: seen.versionNumber)
            try Disagreement.check("listed forceCanceled", execution.forceCanceled, is: seen.forceCanceled)
        } catch {
            fleet.board.add("\(execution.thingName): \(error)")
        }
    }

    private func checkJob() async throws {
        let job = try await client.describeJob(jobId: jobId)
        do throws(Disagreement) {
            try Disagreement.check("targetCount", Int(job.targetCount), is: sightings.count)
            for status in JobExecutionStatus.allCases {
                try Disagreement.check("number of \(status)", Int(job.processDetails[status]), is: counts[status] ?? 0)
            }
            let isOpen = counts[.queued] ?? 0 > 0 || counts[.inProgress] ?? 0 > 0
            try Disagreement.check("status", job.status, is: isOpen ? .inProgress : .completed)
        } catch {
            fleet.board.add("job \(jobId): \(error)")
        }
    }

    /// Some things also from their own side: their list, and a description.
    private func checkSamples() async throws {
        let step = max(1, sightings.count / Self.samplesMax)
        for index in stride(from: 0, to: sightings.count, by: step) {
            guard let seen = sightings[index] else { continue }
            let name = fleet.thingNames[index]
            var listed: [JobExecutionSummary] = []
            for try await execution in try client.jobExecutions(thingName: name.description) {
                listed.append(execution)
            }
            let execution = try await client.describeJobExecution(
                DescribeJobExecutionRequest(jobId: fleet.job.jobId, thingName: name))
            do throws(Disagreement) {
                try Disagreement.check("executions of the thing", listed.map(\.versionNumber), is: [seen.versionNumber])
                try Disagreement.check("described thing", execution.thingName, is: name)
                try Disagreement.check("described status", execution.status, is: seen.status)
                try Disagreement.check("described versionNumber", execution.versionNumber, is: seen.versionNumber)
            } catch {
                fleet.board.add("\(name): \(error)")
            }
        }
    }
}
