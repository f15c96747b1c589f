/// A job in a list (SPEC §9.18).
public struct JobSummary: Sendable, Equatable {
    public var jobId: JobId
    public var status: JobStatus
    public var createdAtMilliseconds: Int64
    public var lastUpdatedAtMilliseconds: Int64
    public var completedAtMilliseconds: Int64?
    public var targetCount: UInt32

    package init(
        jobId: JobId, status: JobStatus, createdAtMilliseconds: Int64, lastUpdatedAtMilliseconds: Int64,
        completedAtMilliseconds: Int64?, targetCount: UInt32
    ) {
        self.jobId = jobId
        self.status = status
        self.createdAtMilliseconds = createdAtMilliseconds
        self.lastUpdatedAtMilliseconds = lastUpdatedAtMilliseconds
        self.completedAtMilliseconds = completedAtMilliseconds
        self.targetCount = targetCount
    }
}

/// A page of jobs (SPEC §9.18).
public struct JobPage: Sendable, Equatable {
    public var jobs: [JobSummary]
    public var nextToken: [UInt8]?

    package init(jobs: [JobSummary], nextToken: [UInt8]?) {
        self.jobs = jobs
        self.nextToken = nextToken
    }
}
