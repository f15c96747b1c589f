import ErrandClient

/// All devices of a demo: where they connect, and who is at work at the same time.
struct Fleet {
    let job: FirmwareJob
    let thingNames: [ThingName]
    private let clients: [JobExecutionClient]
    let operatorClient: JobExecutionClient
    let board: Scoreboard

    private static let connectionCountMax = 32
    /// Enough for full segments on every connection, few enough that a million devices fit in memory.
    private static let devicesAtWorkMax = 4096
    private static let clientCountMax = 4

    init(thingCount: Int, port: UInt16, board: Scoreboard) async throws {
        job = try FirmwareJob()
        self.board = board
        thingNames = try (0..<thingCount).map { try Self.name($0) }
        let connectionCount = min(Self.connectionCountMax, max(1, thingCount / 128))
        let clientCount = min(Self.clientCountMax, connectionCount)
        var clients: [JobExecutionClient] = []
        for _ in 0..<clientCount {
            clients.append(
                try await Self.connect(port, connectionCount: connectionCount / clientCount, name: "demo-devices"))
        }
        self.clients = clients
        operatorClient = try await Self.connect(port, connectionCount: 1, name: "demo-operator")
    }

    private static func connect(_ port: UInt16, connectionCount: Int, name: String) async throws -> JobExecutionClient {
        var configuration = ClientConfiguration()
        configuration.compression = .on
        configuration.connectionCount = connectionCount
        configuration.callTimeout = .seconds(60)
        configuration.clientName = name
        return try await JobExecutionClient.connect(host: "127.0.0.1", port: Int(port), configuration: configuration)
    }

    func close() {
        for client in clients + [operatorClient] { client.close() }
    }

    // MARK: Names

    private static let digitCount = 7

    private static func name(_ index: Int) throws(InvalidField) -> ThingName {
        let digits = String(index + 1)
        return try ThingName("press-" + String(repeating: "0", count: digitCount - digits.count) + digits)
    }

    /// Which device has that name.
    func index(of thingName: ThingName) -> Int? {
        guard let number = Int(thingName.description.dropFirst("press-".count)), (1...thingNames.count).contains(number)
        else { return nil }
        return thingNames[number - 1] == thingName ? number - 1 : nil
    }

    // MARK: Work

    func createJob() async throws {
        try await operatorClient.createJob(
            jobId: job.jobId, document: FirmwareJob.document, targets: thingNames, description: FirmwareJob.description,
            configuration: JobConfiguration(inProgressTimeoutInMinutes: FirmwareJob.inProgressTimeoutInMinutes)
        ) { [board] _ in board.called() }
    }

    /// The server queues a large job's executions little by little after it has taken the job.
    func awaitQueueing() async throws {
        while true {
            let described = try await operatorClient.describeJob(jobId: job.jobId.description)
            board.called()
            if described.notYetQueuedCount == 0 { return }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Runs all devices; returns how each saw its execution last, in the order of `thingNames`. One that met a
    /// disagreement has none.
    func work() async -> [Sighting?] {
        let progress = ProgressLine("devices", total: thingNames.count)
        defer { progress.finish() }
        let workerCount = min(thingNames.count, Self.devicesAtWorkMax)
        var sightings = [Sighting?](repeating: nil, count: thingNames.count)
        await withTaskGroup(of: [(Int, Sighting)].self) { group in
            for worker in 0..<workerCount {
                let client = clients[worker % clients.count]
                group.addTask(executorPreference: client.executor) {
                    await work(client, indices: stride(from: worker, to: thingNames.count, by: workerCount), progress)
                }
            }
            for await seen in group {
                for (index, sighting) in seen { sightings[index] = sighting }
            }
        }
        return sightings
    }

    private func work(
        _ client: JobExecutionClient, indices: StrideTo<Int>, _ progress: ProgressLine
    ) async -> [(Int, Sighting)] {
        var seen: [(Int, Sighting)] = []
        for index in indices {
            var device = Device(
                index: index, thingName: thingNames[index], job: job, client: client, operatorClient: operatorClient,
                board: board)
            do {
                seen.append((index, try await device.run()))
            } catch {
                board.add("\(thingNames[index]): \(error)")
            }
            progress.update(board.deviceDone(), note: "\(board.callCount) calls")
        }
        return seen
    }

    /// Bytes of all connections so far.
    func byteCounts() async -> ByteCounts {
        var total = ByteCounts()
        for client in clients + [operatorClient] { total = total + (await client.byteCounts()) }
        return total
    }
}
