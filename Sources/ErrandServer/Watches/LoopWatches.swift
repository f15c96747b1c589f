internal import ErrandStore
internal import ErrandTransport

/// Brings what the feed has for the watches of one loop's connections onto the loop.
///
/// `@unchecked Sendable`: all state is touched only on `loop`; `changesReady` hops there.
final class LoopWatches: FeedSink, @unchecked Sendable {
    private struct Place {
        unowned let watches: ConnectionWatches
        let requestId: UInt64
        let owner: ServerConnection
    }

    private let loop: EventLoop
    private let feed: ChangeFeed
    private var places: [ChangeFeed.Subscription: Place] = [:]

    init(loop: EventLoop, feed: ChangeFeed) {
        self.loop = loop
        self.feed = feed
    }

    func add(
        _ subscription: ChangeFeed.Subscription, of watches: ConnectionWatches, owner: ServerConnection,
        requestId: UInt64
    ) {
        places[subscription] = Place(watches: watches, requestId: requestId, owner: owner)
    }

    func remove(_ subscription: ChangeFeed.Subscription) { places[subscription] = nil }

    func changesReady() {
        loop.post { [self] in
            var owners: [ObjectIdentifier: ServerConnection] = [:]
            for subscription in feed.takeReady(self) {
                guard let place = places[subscription] else { continue }
                place.watches.changed(place.requestId)
                owners[ObjectIdentifier(place.owner)] = place.owner
            }
            for owner in owners.values { owner.sendWatched() }
        }
    }
}
