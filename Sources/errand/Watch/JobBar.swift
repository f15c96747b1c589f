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

    /// Paints until the job ends, and returns it as it is then.
    private static func paint(
        _ bar: ProgressLine, _ begin: Job, _ changes: JobExecutionEvents, _ last: LastRevision,
        _ server: JobExecutionClient
    ) async throws -> Job {
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Has ended when this returns, so that nothing is painted behind the line's end.
            group.addTask { await repaint(bar, begin, changes.revision, last, server) }
            defer { group.cancelAll() }
            for try await event in changes {
                last.revision = event.revision
                if EventLines.end(event) != nil { break }
            }
        }
        return try await read(begin, server)
    }

    /// Reads and paints at intervals, so that the last of many changes that come together is shown too, although no other
    /// follows it; but reads only if something has happened. Ends when the task is cancelled.
    private static func repaint(
        _ bar: ProgressLine, _ begin: Job, _ beginRevision: UInt64, _ last: LastRevision, _ server: JobExecutionClient
    ) async {
        var shown = beginRevision
        var pace = Pace(finished: Int(begin.processDetails.finishedCount), at: .now)
        bar.update(Int(begin.processDetails.finishedCount), note: pace.note(of: begin))
        while (try? await Task.sleep(for: readInterval)) != nil {
            let revision = last.revision
            // A call that fails is made again: the watch outlives a lost connection, and so does its bar.
            guard revision != shown, let now = try? await read(begin, server) else { continue }
            shown = revision
            pace.add(finished: Int(now.processDetails.finishedCount), at: .now)
            bar.update(Int(now.processDetails.finishedCount), note: pace.note(of: now))
        }
    }

    private static func read(_ begin: Job, _ server: JobExecutionClient) async throws(ErrandError) -> Job {
        do throws(ErrandError) {
            return try await server.describeJob(jobId: begin.jobId.description)
        } catch {
            guard error.code == .notFound else { throw error }
            var gone = begin
            gone.status = .deletionInProgress
            return gone
        }
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
