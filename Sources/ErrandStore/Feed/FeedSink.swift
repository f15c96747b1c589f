package import ErrandCore

/// Whoever is to be told that subscriptions have something new: one for all the watches of a connection.
///
/// The feed keeps a sink until its last subscription has been unsubscribed.
package protocol FeedSink: AnyObject, Sendable {
    /// Some of the sink's subscriptions have something new; `ChangeFeed.takeReady` says which.
    ///
    /// Called on any thread, without a lock of the store, and not again for what comes until `takeReady` was called.
    /// As it is called after the feed's lock was let go, `takeReady` may have been called meanwhile and have nothing.
    func changesReady()
}

extension ChangeFeed {
    /// One watch of the feed. A value that stays valid, and unique, after it was unsubscribed.
    package struct Subscription: Hashable, Sendable {
        /// Where the feed keeps it, and which of those that were kept there it is.
        let index: Int
        let serial: UInt64
    }

    /// What `take` says of a subscription.
    package struct Taken: Sendable, Equatable {
        /// The subscription has now been given every event that it is for, up to and including this revision
        /// (SPEC `WAT-1`). It never falls.
        package var revision: UInt64
        /// Whether to call `take` again, without waiting for `changesReady`. Even when no event was taken: the past is
        /// looked through in slices.
        package var isMoreWaiting: Bool
        /// Why no more will come: SLOW_CONSUMER or WATCH_COMPACTED; CANCELLED of one that is unsubscribed.
        package var ended: StatusCode?

        package init(revision: UInt64, isMoreWaiting: Bool = false, ended: StatusCode? = nil) {
            self.revision = revision
            self.isMoreWaiting = isMoreWaiting
            self.ended = ended
        }
    }
}
