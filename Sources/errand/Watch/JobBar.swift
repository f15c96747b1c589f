import ErrandClient

/// A job's progress, painted over itself: how many things have ended, how fast, and how long the rest may take.
struct JobBar {
    let job: JobId
    let changes: JobExecutionEvents

    /// How often the job is read while things happen.
    private static let readInterval = Duration.milliseconds(500)

    func run(on server: JobExecutionClient, from begin: Job) async throws {
        let last = LastRevision(changes.revision)
        let bar = ProgressLine(job.description, total: Int(begin.targetCount))
        let changes = changes
        var now = begin
        if begin.status == .inProgress {
            let end = try await Interruption.ending({ last.hint }) {
                try await Self.paint(bar, begin, changes, last, server)
            }
            bar.finish()
            guard let end else { return }
            now = end
        }
        let counts = now.processDetails
        try StandardOutput.print(
            "\(job): \(now.status); \(counts.finishedCount) of \(now.targetCount) ended: \(counts[.succeeded]) succeeded, "
                + "\(counts[.failed] + counts[.timedOut]) failed or timed out, \(counts[.rejected]) rejected, "
                + "\(counts[.canceled] + counts[.removed]) canceled or removed")
        try EventLines.end(now.status, job)
    }

    /// Returns the job as it was at its end.
    private static func paint(
        _ bar: ProgressLine, _ begin: Job, _ changes: JobExecutionEvents, _ last: LastRevision,
        _ server: JobExecutionClient
    ) async throws -> Job {
        var now = begin
        var readAt = ContinuousClock.now
        var pace = Pace(finished: Int(now.processDetails.finishedCount), at: readAt)
        bar.update(Int(now.processDetails.finishedCount), note: pace.note(of: now))
        for try await event in changes {
            last.revision = event.revision
            let end = EventLines.end(event)
            guard end != nil || ContinuousClock.now - readAt >= readInterval else { continue }
            readAt = .now
            do throws(ErrandError) {
                now = try await server.describeJob(jobId: begin.jobId.description)
            } catch {
                guard error.code == .notFound else { throw error }
                now.status = .deletionInProgress
            }
            pace.add(finished: Int(now.processDetails.finishedCount), at: readAt)
            bar.update(Int(now.processDetails.finishedCount), note: pace.note(of: now))
            if end != nil { return now }
        }
        return now
    }
}

/// How fast things end, by the last few readings.
struct Pace {
    private var readings: [(finished: Int, at: ContinuousClock.Instant)]
    private static let readingCount = 10

    init(finished: Int, at time: ContinuousClock.Instant) { readings = [(finished, time)] }

    mutating func add(finished: Int, at time: ContinuousClock.Instant) {
        readings.append((finished, time))
        if readings.count > Self.readingCount { readings.removeFirst() }
    }

    /// Things a second; nothing while that cannot be said.
    var rate: Double? {
        guard let first = readings.first, let last = readings.last, last.finished > first.finished else { return nil }
        let seconds = (last.at - first.at) / .seconds(1)
        return seconds > 0 ? Double(last.finished - first.finished) / seconds : nil
    }

    func note(of job: Job) -> String {
        let counts = job.processDetails
        var note = "\(counts[.succeeded]) ok, \(counts[.failed] + counts[.timedOut] + counts[.rejected]) failed"
        guard let rate else { return note }
        let left = Int(job.targetCount) - Int(counts.finishedCount)
        let seconds = Int((Double(left) / rate).rounded(.up))
        note += ", \(rate < 10 ? String(Double(Int(rate * 10)) / 10) : String(Int(rate)))/s, "
        note += seconds >= 60 ? "\(seconds / 60) min left" : "\(seconds) s left"
        return note
    }
}
