internal import Synchronization

/// How many pages the WAL has, and how many of them are in the database: what all who move it have to agree on.
///
/// SQLite up to 3.51.2 (and 3.50.6, 3.44.5) can lose commits when one connection begins to move a WAL of which everything is
/// in the database already, just while another connection's commit begins it anew (<https://sqlite.org/wal.html>, "the
/// WAL-reset bug"). So nobody begins to move unless some page is known not to be there yet, and never two at a time:
/// then no commit can begin the WAL anew before the move has ended.
final class WALLength: Sendable {
    private let state = Mutex(State())
    /// Held by whoever moves the WAL.
    private let mover = Mutex(())

    private struct State {
        /// After the last commit.
        var pageCount = 0
        var movedPageCount = 0
        /// How often it was seen to begin anew.
        var generation = 0
    }

    var pageCount: Int { state.withLock { $0.pageCount } }

    /// Pages that are not in the database; at least one if this is not 0, and perhaps more than this.
    var unmovedPageCount: Int { state.withLock { max(0, $0.pageCount - $0.movedPageCount) } }

    /// A commit of the writer has ended, and so many pages are in the WAL now.
    func committed(pageCount: Int) {
        state.withLock { state in
            // Each commit adds a page, unless it has begun the WAL anew. A long one that did may look as if it had not: then
            // fewer pages seem to be unmoved than there are, but never none.
            if pageCount <= state.pageCount {
                state.movedPageCount = 0
                state.generation += 1
            }
            state.pageCount = pageCount
        }
    }

    /// Runs `move`, which moves the WAL and says how many pages are in the database now, unless there is nothing to be moved
    /// or another is moving. Returns whether it did anything.
    func move(_ move: () throws(StorageFault) -> Int?) throws(StorageFault) -> Bool {
        let outcome = mover.withLockIfAvailable { _ -> Result<Bool, StorageFault> in
            let generation: Int? = state.withLock { $0.pageCount > $0.movedPageCount ? $0.generation : nil }
            guard let generation else { return .success(false) }
            do throws(StorageFault) {
                guard let moved = try move() else { return .success(false) }
                state.withLock { state in
                    // Of a WAL that has begun anew since, the number says nothing.
                    guard state.generation == generation else { return }
                    state.movedPageCount = max(state.movedPageCount, moved)
                }
                return .success(true)
            } catch {
                return .failure(error)
            }
        }
        guard let outcome else { return false }
        return try outcome.get()
    }
}
