internal import ErrandStore

/// What can be done with a server's data directory besides serving from it.
public enum StoreDirectoryTools {
    /// How much there is, and where.
    public struct Report: Sendable, Equatable {
        public var jobCount: UInt64 = 0
        public var openExecutionCount: UInt64 = 0
        public var finishedExecutionCount: UInt64 = 0
        /// Changes in the journal that no table holds yet.
        public var journalRecordCount: UInt64 = 0
        public var journalGroupCount: UInt64 = 0
        /// How many changes there ever were.
        public var lastSequence: UInt64 = 0
        public var databaseByteCount: Int64 = 0
        public var walByteCount: Int64 = 0
    }

    /// Why something could not be done, or what is wrong: a line for each, which says where and what to do.
    public struct Failure: Error, Sendable {
        public let lines: [String]
    }

    /// Looks at every page, row, checksum and record, and puts the state together as a start would. Needs the directory for
    /// itself; changes nothing that is stored.
    /// - Returns: what it found, all of it good.
    public static func check(_ directory: String) throws(Failure) -> Report {
        let found: StoreCare.Found
        do throws(StorageFault) {
            found = try StoreCare.check(directory: directory)
        } catch {
            throw Failure(lines: [error.description])
        }
        guard found.faults.isEmpty else { throw Failure(lines: found.faults.map(\.description)) }
        return Report(found.statistics)
    }

    /// Writes the store as it is at this moment into a new file, beside a running server too. The file is a whole store: to
    /// serve from it, put it into an empty directory as `errand.db`.
    public static func backUp(_ directory: String, toFile file: String) throws(Failure) {
        do throws(StorageFault) {
            try JournalDatabase.backUp(directory: directory, toFile: file)
        } catch {
            throw Failure(lines: [error.description])
        }
    }

    /// How much there is by the last commit, beside a running server too.
    public static func statistics(_ directory: String) throws(Failure) -> Report {
        do throws(StorageFault) {
            return Report(try JournalDatabase.statistics(directory: directory))
        } catch {
            throw Failure(lines: [error.description])
        }
    }
}

extension StoreDirectoryTools.Report {
    fileprivate init(_ statistics: JournalDatabase.Statistics) {
        jobCount = statistics.jobCount
        openExecutionCount = statistics.openExecutionCount
        finishedExecutionCount = statistics.finishedExecutionCount
        journalRecordCount = statistics.lastSequence - statistics.checkpointSequence
        journalGroupCount = statistics.groupCount
        lastSequence = statistics.lastSequence
        databaseByteCount = statistics.databaseByteCount
        walByteCount = statistics.walByteCount
    }
}
