import ArgumentParser
import ErrandClient
import ErrandCore

struct PendingExecutions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending", abstract: "Show what a thing has to do: what it works on, then what is queued.",
        discussion: "Example: errand execution pending press-1 --json")

    @Argument(help: ArgumentHelp("The thing's (device's) name.", valueName: "thing"), transform: { try ThingName($0) })
    var thingName: ThingName

    @OptionGroup var client: ClientOptions

    func run() async throws {
        try await client.withClient { server in
            let pending = try await allPages(server)
            try StandardOutput.print(
                client.json ? json(pending, server.thingArnPrefix) : text(pending).joined(separator: "\n"))
        }
    }

    private func allPages(_ server: JobExecutionClient) async throws(ErrandError) -> PendingJobExecutions {
        var request = GetPendingJobExecutionsRequest(
            thingName: thingName, maxResults: UInt32(FieldLimits.pageResultCountMax))
        var all = try await server.getPendingJobExecutions(request)
        while let token = all.nextToken {
            request.nextToken = token
            let page = try await server.getPendingJobExecutions(request)
            all.inProgressJobs += page.inProgressJobs
            all.queuedJobs += page.queuedJobs
            all.totalCount = page.totalCount
            all.nextToken = page.nextToken
        }
        return all
    }

    private func json(_ pending: PendingJobExecutions, _ thingArnPrefix: String) -> String {
        JSONWriter.text { json in
            json.object { json in
                for (name, executions) in [
                    ("inProgressJobs", pending.inProgressJobs), ("queuedJobs", pending.queuedJobs),
                ] {
                    json.key(name)
                    json.array { json in
                        for execution in executions { json.append(execution, thingArnPrefix: thingArnPrefix) }
                    }
                }
                json.member("totalCount", pending.totalCount)
            }
        }
    }

    private func text(_ pending: PendingJobExecutions) -> [String] {
        guard pending.totalCount > 0 else { return ["nothing pending"] }
        var table = ExecutionText.table()
        var lines: [String] = []
        for execution in pending.inProgressJobs + pending.queuedJobs {
            lines += table.add(ExecutionText.row(execution))
        }
        return lines + table.finish()
    }
}
