import ErrandClient
import ErrandServer

/// The main job of Errand on real input: a server, a fleet, an operator, and a reckoning.
struct Demo {
    let thingCount: Int

    private static let timeoutsAwaitedMax: Duration = .seconds(20)

    func run() async throws(CommandFailure) -> DemoReport {
        let server = try startServer()
        let result: Result<DemoReport, CommandFailure>
        do {
            result = .success(try await run(on: server))
        } catch let failure as CommandFailure {
            result = .failure(failure)
        } catch let error as ErrandError {
            result = .failure(CommandFailure(ExitStatus(error.code), "demo: \(error.sentence)"))
        } catch {
            result = .failure(CommandFailure(.refused, "demo: \(error)"))
        }
        await server.stop(graceMilliseconds: 2000)
        return try result.get()
    }

    private func startServer() throws(CommandFailure) -> JobExecutionServer {
        _ = JobExecutionServer.raiseConnectionLimit()
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.minuteLengthMilliseconds = FirmwareJob.minuteLengthMilliseconds
        do throws(ServerStartError) {
            return try JobExecutionServer.start(configuration)
        } catch {
            throw CommandFailure(.refused, "demo: \(error)")
        }
    }

    private func run(on server: JobExecutionServer) async throws -> DemoReport {
        let board = Scoreboard()
        let fleet = try await Fleet(thingCount: thingCount, port: server.port, board: board)
        defer { fleet.close() }
        let clock = ContinuousClock()
        let start = clock.now
        try await fleet.createJob()
        try await fleet.awaitQueueing()
        let sightings = await fleet.work()
        let seconds = start.duration(to: clock.now)
        let bytes = await fleet.byteCounts()
        try await checkCallCount(fleet)
        try await awaitTimeouts(fleet, sightings)
        var readBack = ReadBack(fleet, sightings)
        try await readBack.run()
        try board.throwIfAny()
        return DemoReport(
            thingCount: thingCount, executionCount: readBack.executionCount, counts: readBack.counts,
            callCount: board.callCount, expectedRefusalCount: board.expectedRefusalCount,
            connectionCount: server.connectionCount, duration: seconds,
            wireByteCount: bytes.sent + bytes.received, rawByteCount: bytes.rawSent + bytes.rawReceived)
    }

    /// The server has to have answered exactly the calls that were made.
    private func checkCallCount(_ fleet: Fleet) async throws {
        let answered = Int(clamping: try await fleet.operatorClient.serverInfo().callCount)
        do throws(Disagreement) {
            try Disagreement.check("the number of calls that the server answered", answered, is: fleet.board.callCount)
        } catch {
            fleet.board.add("\(error)")
        }
    }

    /// The silent devices' timers run out within a second of theirs.
    private func awaitTimeouts(_ fleet: Fleet, _ sightings: [Sighting?]) async throws {
        let expected = sightings.count { $0?.status == .timedOut }
        let clock = ContinuousClock()
        let end = clock.now + Self.timeoutsAwaitedMax
        while clock.now < end {
            let job = try await fleet.operatorClient.describeJob(jobId: fleet.job.jobId.description)
            if Int(job.processDetails[.timedOut]) >= expected { return }
            try await clock.sleep(for: .milliseconds(20))
        }
        fleet.board.add("not all of \(expected) silent devices' executions timed out in \(Self.timeoutsAwaitedMax)")
    }
}
