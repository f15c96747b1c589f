import ArgumentParser
import ErrandServer

struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Check a server's data directory, back it up, or see what is in it.",
        subcommands: [CheckStore.self, BackUpStore.self, StoreStatistics.self])
}

struct CheckStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Look at everything in a data directory, and say whether it is what was written.",
        discussion: """
            Example: errand store check /var/lib/errand

            Reads every page, row, checksum and change, and puts the state together as a start would; then prints what \
            there is, and ends with status 0. What is damaged is said line by line, and ends with status 1. Needs the \
            directory for itself: stop the server, or check a backup.
            """)

    @OptionGroup var place: StorePlace

    func run() async throws {
        let report = try place.result { () throws(StoreDirectoryTools.Failure) in
            try StoreDirectoryTools.check(place.directory)
        }
        if !place.json { StandardError.write("errand: \(place.directory) is what was written\n") }
        try place.print(report)
    }
}

struct BackUpStore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy a store, as it is at one moment, into a new file.",
        discussion: """
            Example: errand store backup /var/lib/errand /backup/errand-monday.db

            May run beside the server. Every change acknowledged before the command began is in the file. To go back to it, \
            put it into an empty directory as errand.db, and serve from that.
            """)

    @OptionGroup var place: StorePlace

    @Argument(help: "The file to make.")
    var file: String

    func run() async throws {
        try place.result { () throws(StoreDirectoryTools.Failure) in
            try StoreDirectoryTools.backUp(place.directory, toFile: file)
        }
        if place.json {
            try StandardOutput.print(JSONWriter.text { $0.object { $0.member("file", file) } })
        } else {
            try StandardOutput.print("backed up \(place.directory) to \(file)")
        }
    }
}

struct StoreStatistics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Print how much a data directory holds.",
        discussion: """
            Example: errand store stats /var/lib/errand --json

            May run beside the server. Jobs and executions are counted in the tables; changes in the journal come on top of \
            them, and are counted by 'errand store check'.
            """)

    @OptionGroup var place: StorePlace

    func run() async throws {
        try place.print(
            try place.result { () throws(StoreDirectoryTools.Failure) in
                try StoreDirectoryTools.statistics(place.directory)
            })
    }
}

/// The directory that the commands are about, and how they answer.
struct StorePlace: ParsableArguments {
    @Argument(help: "The data directory of a server.")
    var directory: String

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func print(_ report: StoreDirectoryTools.Report) throws(CommandFailure) {
        let facts: [(name: String, label: String, value: Int64)] = [
            ("jobs", "jobs", Int64(clamping: report.jobCount)),
            ("openExecutions", "open executions", Int64(clamping: report.openExecutionCount)),
            ("finishedExecutions", "finished executions", Int64(clamping: report.finishedExecutionCount)),
            ("journalChanges", "changes in the journal", Int64(clamping: report.journalRecordCount)),
            ("journalGroups", "groups in the journal", Int64(clamping: report.journalGroupCount)),
            ("lastSequence", "changes ever", Int64(clamping: report.lastSequence)),
            ("databaseBytes", "bytes of the database", report.databaseByteCount),
            ("walBytes", "bytes of the WAL", report.walByteCount),
        ]
        if json {
            try StandardOutput.print(
                JSONWriter.text { $0.object { json in for fact in facts { json.member(fact.name, fact.value) } } })
            return
        }
        let width = facts.map(\.label.count).max() ?? 0
        for fact in facts {
            try StandardOutput.print(
                fact.label + String(repeating: " ", count: width - fact.label.count + 2) + String(fact.value))
        }
    }

    /// What `body` gives, or its failure as the command's own.
    func result<Result>(
        _ body: () throws(StoreDirectoryTools.Failure) -> Result
    ) throws(CommandFailure) -> Result {
        do throws(StoreDirectoryTools.Failure) {
            return try body()
        } catch {
            throw CommandFailure(.refused, error.lines.joined(separator: " "))
        }
    }
}
