import ArgumentParser

struct ExecutionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "execution",
        abstract: "Describe, update, cancel, delete and list job executions: one job on one thing.",
        subcommands: [
            DescribeExecution.self, UpdateExecution.self, CancelExecution.self, NextExecution.self,
            PendingExecutions.self, ListExecutions.self, DeleteExecution.self, ExecutionHistory.self,
        ])
}
