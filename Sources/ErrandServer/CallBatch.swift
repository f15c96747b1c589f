import ErrandCore
import ErrandStore
import ErrandWire

/// The calls of one read of one connection, on their way through the store.
///
/// `@unchecked Sendable`: it belongs to the loop of its connection; the store touches only `commandBatch`,
/// between `submit` and `complete`, when the loop does not.
final class CallBatch: @unchecked Sendable {
    struct Call: Sendable {
        var requestId: UInt64
        var opcode: UInt8
        var isBatch: Bool
        var frameByteCount: Int
        /// Its places in `items`: one for a single call, one for each item of a batch.
        var firstItem: Int
        var itemCount: Int
    }

    enum Item: Sendable {
        /// Index of the command and its outcome.
        case command(Int)
        /// Decided without the store: index into `refusals`.
        case refused(Int)
        case health
        case serverInfo
        /// A watch that was begun, or refused: index into `watches`.
        case watch(Int)
    }

    var calls: [Call] = []
    var items: [Item] = []
    var refusals: [Refusal] = []
    var watches: [Result<WatchBegun, Refusal>] = []
    /// Calls whose replies are written.
    var deliveredCount = 0
    /// About how many executions the outcomes may hold.
    var weight = 0
    /// Where the outcomes are awaited; nothing while the batch is not on its way.
    var owner: ServerConnection?

    let commandBatch = CommandBatch { commandBatch in
        guard let batch = commandBatch.context as? CallBatch, let owner = batch.owner else { return }
        owner.decided(batch)
    }

    /// Sends it to `store`; `owner.decided` is called when what it shows is durable.
    func submit(to store: any ExecutionStore, at nowMilliseconds: Int64, owner: ServerConnection) {
        self.owner = owner
        commandBatch.context = self
        store.submit(commandBatch, at: nowMilliseconds)
    }

    var needsStore: Bool { !commandBatch.commands.isEmpty }

    func outcome(_ index: Int) -> StoreOutcome { commandBatch.outcomes[index] }

    func add(_ command: StoreCommand) {
        items.append(.command(commandBatch.commands.count))
        weight += command.weight
        commandBatch.commands.append(command)
    }

    func add(_ refusal: Refusal) {
        items.append(.refused(refusals.count))
        refusals.append(refusal)
    }

    func add(_ watch: Result<WatchBegun, Refusal>) {
        items.append(.watch(watches.count))
        watches.append(watch)
    }

    func reset() {
        commandBatch.reset()
        calls.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
        refusals.removeAll(keepingCapacity: true)
        watches.removeAll(keepingCapacity: true)
        weight = 0
        deliveredCount = 0
        owner = nil
    }
}
