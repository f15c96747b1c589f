@testable import ErrandStore
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct CheckpointTests {
    private let store = TemporaryStore()

    @Test func rowsAreReadAsTheyWerePut() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 8)
        try database.checkpointSomething(through: 8)
        #expect(database.checkpointSequence == 8 && database.statistics().groupCount == 0)
        let statistics = database.statistics()
        #expect(statistics.openExecutionCount == 30 && statistics.finishedExecutionCount == 30)
        var open: [Int64] = []
        try database.forEachExecution(.open) { (row, _) in open.append(row.position) }
        #expect(open.count == 30 && open.allSatisfy { $0 % 2 == 1 })
        var ofThing: [Int64] = []
        try database.forEachExecution(ofThing: "thing-7") { row in ofThing.append(row.job) }
        #expect(ofThing == [1, 2, 3])
        var ofJobs = 0
        try database.forEachExecution(ofJobs: 2...3) { (_, _) in ofJobs += 1 }
        #expect(ofJobs == 40)
        var thing: String?
        #expect(try database.execution(2, position: 4) { (row, _) in thing = row.thing })
        #expect(thing == "thing-4")
        #expect(try !database.execution(9, position: 4) { _, _ in })
        var fact: [UInt8] = []
        #expect(try database.fact("clock") { (body) in fact = body.array })
        #expect(fact == [1, 9])
        #expect(try !database.fact("none") { _ in })
    }

    @Test func rowsAreReplacedAndDeleted() throws {
        let database = try store.open()
        try database.checkpointSomething(through: 0)
        try database.checkpointSomething(through: 0, mark: 2)
        #expect(database.verify() == [])
        try database.checkpoint(through: 0) { (state) throws(StorageFault) in
            try state.deleteJob(1)
            try state.deleteTargets(1, chunk: 0)
            for position in 0..<20 as Range<Int64> { try state.deleteExecution(1, position: position) }
            try state.deleteFact("clock")
            // What is not there is deleted in peace.
            try state.deleteJob(77)
        }
        let statistics = database.statistics()
        #expect(statistics.jobCount == 2 && statistics.targetChunkCount == 2 && statistics.factCount == 0)
        #expect(statistics.openExecutionCount == 20 && statistics.finishedExecutionCount == 20)
        #expect(database.verify() == [])
    }

    @Test func fewOpenOnesAmongManyAreFoundByTheirIndex() throws {
        let database = try store.open()
        try database.checkpoint(through: 0) { (state) throws(StorageFault) in
            for position in 0..<200 as Range<Int64> {
                let row = ExecutionRow(job: 1, position: position, thing: "é", isFinished: position % 50 != 0)
                try state.putExecution(row, body: [UInt8]().span.bytes)
            }
        }
        var found: [Int64] = []
        try database.forEachExecution(.open) { (row, _) in found.append(row.position) }
        #expect(found == [0, 50, 100, 150])
    }

    /// The body has as many steps as it has statements; whichever is the last, nothing of it remains.
    @Test func aCheckpointInterruptedAtAnyStepLeavesTheOldState() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 5)
        try database.checkpointSomething(through: 3)
        try database.appendGroup(recordCount: 5)
        let before = try database.content()
        let statistics = database.statistics()
        for stepCount in 0..<6 {
            let failed = faultOf {
                try database.checkpoint(through: 10) { (state) throws(StorageFault) in
                    if stepCount == 0 { throw .abandoned }
                    try state.putJob(4, body: [1].span.bytes)
                    if stepCount == 1 { throw .abandoned }
                    try state.deleteJob(1)
                    if stepCount == 2 { throw .abandoned }
                    try state.putExecution(ExecutionRow(job: 1, position: 1, thing: "x"), body: [2].span.bytes)
                    if stepCount == 3 { throw .abandoned }
                    try state.deleteExecution(2, position: 2)
                    if stepCount == 4 { throw .abandoned }
                    try state.putFact("clock", body: [3].span.bytes)
                    throw .abandoned
                }
            }
            #expect(failed == .abandoned && database.fault == nil)
            #expect(try database.content() == before)
            #expect(database.statistics().lastSequence == statistics.lastSequence)
            #expect(database.checkpointSequence == 3 && database.verify() == [])
        }
    }

    /// What is not wanted any more may stay for a while, through a crash too.
    @Test func theJournalIsCutAFewGroupsAtATime() throws {
        do {
            let database = try store.open()
            for count in 1...20 as ClosedRange<UInt64> { try database.appendGroup(recordCount: count) }
            try database.moveCheckpoint(through: 200, journalStart: 190) { _ in }
            #expect(database.statistics().groupCount == 20 && database.verify() == [])
            #expect(try database.trimJournal())
            #expect(database.statistics().groupCount == 12 && database.verify() == [])
        }
        let database = try store.open()
        #expect(database.checkpointSequence == 200 && database.journalStart == 190 && database.verify() == [])
        #expect(try database.trimJournal(atMost: 100))
        #expect(try !database.trimJournal())
        #expect(database.statistics().groupCount == 1 && database.verify() == [])
    }

    @Test func aCheckpointOnAFullDiskLeavesTheOldState() throws {
        let database = try store.open()
        try database.appendGroup(recordCount: 5)
        let before = try database.content()
        let full = try store.withWAL(at: "/dev/full") { faultOf { try database.checkpointSomething(through: 5) } }
        guard case .diskFull = full else { return #expect(Bool(false), "\(String(describing: full))") }
        #expect(try database.content() == before)
        try database.checkpointSomething(through: 5)
        #expect(database.verify() == [])
    }

    /// Another program takes a row away or changes one, with everything valid as far as SQLite knows.
    @Test(
        arguments: [
            "DELETE FROM jobs WHERE job = 2", "DELETE FROM targets WHERE job = 2", "DELETE FROM facts",
            "DELETE FROM executions WHERE position = 3", "UPDATE executions SET thing = 'other' WHERE position = 3",
            "UPDATE jobs SET body = x'00' WHERE job = 1", "DELETE FROM journal WHERE last = 9", "DELETE FROM meta",
            "DELETE FROM journal WHERE last = 10", "UPDATE journal SET first = 1 WHERE last = 10",
            "UPDATE executions SET isFinished = 1 WHERE position = 3", "UPDATE facts SET name = 'clocK'",
            "UPDATE executions SET body = 'text' WHERE position = 3", "CREATE TABLE more(x)",
        ])
    func whatIsMissingOrChangedIsNoticed(_ change: String) throws {
        do {
            let database = try store.open()
            try database.appendGroup(recordCount: 5)
            try database.checkpointSomething(through: 5)
            for count in [4, 1] as [UInt64] { try database.appendGroup(recordCount: count) }
            try database.close()
        }
        try changeFile(change)
        let found = faultOf { _ = try store.open().content() }
        guard case .damaged = found else { return #expect(Bool(false), "\(change): \(String(describing: found))") }
    }

    /// A read of one row sees no counts; the row's own checksum is what there is.
    @Test func aSingleReadVerifiesItsRow() throws {
        do {
            let database = try store.open()
            try database.checkpointSomething(through: 0)
            try database.close()
        }
        try changeFile("UPDATE executions SET body = x'00' WHERE position = 3")
        try changeFile("UPDATE facts SET body = x'00'")
        let database = try store.open()
        let damage = StorageFault.damaged("the checksum is wrong", at: "executions, row 2, 3")
        #expect(faultOf { _ = try database.execution(2, position: 3) { _, _ in } } == damage)
        #expect(faultOf { try database.forEachExecution(ofJobs: 2...2) { _, _ in } } == damage)
        #expect(faultOf { try database.forEachExecution(ofThing: "thing-3") { _ in } } != nil)
        #expect(
            faultOf { _ = try database.fact("clock") { _ in } }
                == .damaged("the checksum is wrong", at: "facts, row clock"))
        // Damage is not written over, and what is well can still be read.
        #expect(faultOf { try database.checkpointSomething(through: 0) } != nil)
        #expect(try database.execution(2, position: 4) { _, _ in })
        #expect(!database.verify().isEmpty)
    }

    /// By Python's SQLite, which the tests need anyway: a program that knows nothing of the store.
    private func changeFile(_ change: String) throws {
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c",
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()",
            store.databasePath, change,
        ]
        try python.run()
        python.waitUntilExit()
        #expect(python.terminationStatus == 0)
    }
}
