import ErrandCore
import ErrandStore
import ErrandWire

/// Calls as they were decoded: what the store has to decide, and what needs no store.
///
/// A value, which the decoder has in place while it fills it: each access to a variable of a class would be checked at
/// run time, several times a call.
struct DecodedCalls: Sendable {
    struct Call: Sendable {
        var requestId: UInt64
        var frameByteCount: Int
        var opcode: UInt8
        var work: Work
    }

    enum Work: Sendable {
        case one(Item)
        /// A batch's items: their places in `items`.
        case batch(Range<Int>)
    }

    enum Item: Sendable {
        /// Index of the command and its outcome.
        case command(Int)
        /// Its place in the lane.
        case describe(Int)
        /// Decided without the store: index into `refusals`.
        case refused(Int)
        case health
        case serverInfo
        /// A watch that was begun, or refused: index into `watches`.
        case watch(Int)
    }

    var calls: [Call] = []
    /// Of batches; a call that is no batch has its own.
    var items: [Item] = []
    var refusals: [Refusal] = []
    var watches: [Result<WatchBegun, Refusal>] = []
    /// For the store; they move there and back with the batch.
    var commands: [StoreCommand] = []
    var describes = DescribeLane()
    /// About how many executions the outcomes may hold.
    var weight = 0
    /// Where the describes begin that are in no command yet.
    private var runStart = 0

    mutating func addDescribe(jobId: RawSpan, thingName: RawSpan, executionNumber: Int64?) {
        items.append(.describe(describes.count))
        weight += StoreCommand.describeWeight
        describes.add(jobId: jobId, thingName: thingName, executionNumber: executionNumber)
    }

    /// Takes a whole call that is a describe.
    mutating func add(_ describe: borrowing PlainDescribe, _ header: FrameHeader) {
        calls.append(
            Call(
                requestId: header.requestId, frameByteCount: header.frameByteCount, opcode: header.opcode,
                work: .one(.describe(describes.count))))
        weight += StoreCommand.describeWeight
        describes.add(
            names: describe.names, jobIdByteCount: describe.jobIdByteCount,
            thingNameByteCount: describe.thingNameByteCount)
    }

    /// Takes a call whose items have been added since `firstItem`.
    mutating func addCall(_ header: FrameHeader, isBatch: Bool, firstItem: Int) {
        let work: Work = isBatch ? .batch(firstItem..<items.count) : .one(items.removeLast())
        calls.append(
            Call(
                requestId: header.requestId, frameByteCount: header.frameByteCount, opcode: header.opcode, work: work))
    }

    /// Makes one command of the describes that have come since the last one. Before any other command, and at the end.
    mutating func endRun() {
        guard runStart < describes.count else { return }
        commands.append(.describe(runStart..<describes.count))
        runStart = describes.count
    }

    mutating func add(_ command: StoreCommand) {
        endRun()
        items.append(.command(commands.count))
        weight += command.weight
        commands.append(command)
    }

    mutating func add(_ refusal: Refusal) {
        items.append(.refused(refusals.count))
        refusals.append(refusal)
    }

    mutating func add(_ watch: Result<WatchBegun, Refusal>) {
        items.append(.watch(watches.count))
        watches.append(watch)
    }

    mutating func reset() {
        calls.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
        refusals.removeAll(keepingCapacity: true)
        watches.removeAll(keepingCapacity: true)
        commands.removeAll(keepingCapacity: true)
        describes.reset()
        runStart = 0
        weight = 0
    }
}

/// The calls of one read of one connection, on their way through the store.
///
/// `@unchecked Sendable`: it belongs to the loop of its connection; the store touches only `commandBatch`,
/// between `submit` and `complete`, when the loop does not.
final class CallBatch: @unchecked Sendable {
    /// Without the commands and describes while those are in `commandBatch`.
    private(set) var decoded = DecodedCalls()
    /// Calls whose replies are written.
    var deliveredCount = 0
    /// Where the outcomes are awaited; nothing while the batch is not on its way.
    var owner: ServerConnection?

    private let commandBatch = CommandBatch { commandBatch in
        guard let batch = commandBatch.context as? CallBatch, let owner = batch.owner else { return }
        owner.decided(batch)
    }

    /// Takes over what was decoded, and leaves empty memory for what comes next.
    func take(_ calls: inout DecodedCalls) {
        swap(&decoded, &calls)
        decoded.endRun()
    }

    /// Sends it to `store`; `owner.decided` is called when what it shows is durable.
    func submit(to store: any ExecutionStore, at nowMilliseconds: Int64, owner: ServerConnection) {
        self.owner = owner
        commandBatch.context = self
        swap(&commandBatch.commands, &decoded.commands)
        swap(&commandBatch.describes, &decoded.describes)
        store.submit(commandBatch, at: nowMilliseconds)
    }

    var needsStore: Bool { !decoded.commands.isEmpty }

    var callCount: Int { decoded.calls.count }

    var decided: DecidedCalls {
        DecidedCalls(
            calls: decoded, outcomes: commandBatch.outcomes, describes: commandBatch.describes)
    }

    func reset() {
        swap(&commandBatch.commands, &decoded.commands)
        swap(&commandBatch.describes, &decoded.describes)
        commandBatch.reset()
        decoded.reset()
        deliveredCount = 0
        owner = nil
    }
}
