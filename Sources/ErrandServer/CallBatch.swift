package import ErrandCore
package import ErrandStore

/// The calls of one read of one connection, on their way through the store.
///
/// `@unchecked Sendable`: it belongs to the loop of its connection; the store touches only what it has inherited,
/// between `submit` and `complete`, when the loop does not.
package final class CallBatch: CommandBatch, @unchecked Sendable {
    package struct Call: Sendable {
        package var requestId: UInt64
        package var opcode: UInt8
        package var isBatch: Bool
        package var frameByteCount: Int
        /// Its places in `items`: one for a single call, one for each item of a batch.
        package var firstItem: Int
        package var itemCount: Int
    }

    package enum Item: Sendable {
        /// Index of the command and its outcome.
        case command(Int)
        /// Decided without the store: index into `refusals`.
        case refused(Int)
        case health
        case serverInfo
    }

    package var calls: [Call] = []
    package var items: [Item] = []
    package var refusals: [Refusal] = []
    /// About how many executions the outcomes may hold.
    package var weight = 0
    /// Where the outcomes are awaited; nothing while the batch is not on its way.
    package var owner: ServerConnection?

    package init() {
        super.init { batch in
            guard let batch = batch as? CallBatch, let owner = batch.owner else { return }
            owner.decided(batch)
        }
    }

    package func add(_ command: StoreCommand) {
        items.append(.command(commands.count))
        weight += command.weight
        commands.append(command)
    }

    package func add(_ refusal: Refusal) {
        items.append(.refused(refusals.count))
        refusals.append(refusal)
    }

    package override func reset() {
        super.reset()
        calls.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
        refusals.removeAll(keepingCapacity: true)
        weight = 0
        owner = nil
    }
}
