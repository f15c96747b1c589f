/// Where a committer puts its groups. The tests put faults here.
///
/// Used by one thread at a time, on the committer's queue.
package protocol GroupStorage: AnyObject, SendableMetatype {
    /// Of the newest record that is stored.
    var lastSequence: UInt64 { get }
    /// Set once a write has failed for good; no write succeeds after that.
    var fault: StorageFault? { get }

    /// Stores a group; it is durable when this returns.
    func appendGroup(first: UInt64, last: UInt64, records: RawSpan) throws(StorageFault)
    /// Called when the group's waiters have been told.
    func maintain() throws(StorageFault)
    func close() throws(StorageFault)
}

extension JournalDatabase: GroupStorage {}

/// Somebody who waits until a record is durable. Called once, without any lock, on the committer's queue or inline.
package protocol DurabilityWaiter: AnyObject, Sendable {
    func durable()
    func failed(_ fault: StorageFault)
}
