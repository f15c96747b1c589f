import ErrandClient

/// Prints what a thing has to do, whenever that changes.
struct QueueWatch {
    let thing: ThingName
    let asJSON: Bool

    func run(on server: JobExecutionClient) async throws {
        let notifications = try await server.watchQueue(thingName: thing.description)
        let asJSON = asJSON
        let prefix = server.thingArnPrefix
        _ = try await Interruption.ending({ "stopped" }) {
            for try await notification in notifications {
                try StandardOutput.print(asJSON ? Self.json(notification, prefix) : Self.text(notification))
            }
        }
    }

    private static func text(_ notification: JobExecutionNotifications.Element) -> String {
        switch notification {
        case .pending(let pending):
            let names = (pending.inProgressJobs + pending.queuedJobs)
                .map { "\($0.jobId)#\($0.executionNumber) \($0.status)" }
            return "pending \(pending.totalCount): " + (names.isEmpty ? "nothing" : names.joined(separator: ", "))
        case .next(let execution):
            return "next: " + (execution.map { "\($0.jobId)#\($0.executionNumber) \($0.status)" } ?? "nothing")
        }
    }

    private static func json(_ notification: JobExecutionNotifications.Element, _ thingArnPrefix: String) -> String {
        JSONWriter.text { json in
            json.object { json in
                switch notification {
                case .pending(let pending):
                    json.member("kind", "pending")
                    json.member("totalCount", pending.totalCount)
                    json.key("inProgressJobs")
                    json.array { json in
                        for summary in pending.inProgressJobs { json.append(summary, thingArnPrefix: thingArnPrefix) }
                    }
                    json.key("queuedJobs")
                    json.array { json in
                        for summary in pending.queuedJobs { json.append(summary, thingArnPrefix: thingArnPrefix) }
                    }
                case .next(let execution):
                    json.member("kind", "next")
                    if let execution {
                        json.key("execution")
                        json.append(execution)
                    }
                }
            }
        }
    }
}
