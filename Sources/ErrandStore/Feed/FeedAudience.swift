import ErrandCore

/// The live subscriptions by what they are for, so that an event finds those that it is for without looking at others.
struct FeedAudience {
    typealias Members = ContiguousArray<Int>

    private struct OneExecution: Hashable {
        let jobId: JobId
        let thingName: ThingName
    }

    private(set) var ofEverything: Members = []
    private var ofJobs: [JobId: Members] = [:]
    /// Those of the thing's executions and those of its queue.
    private var ofThings: [ThingName: Members] = [:]
    private var ofExecutions: [OneExecution: Members] = [:]

    var isEmpty: Bool { ofEverything.isEmpty && ofJobs.isEmpty && ofThings.isEmpty && ofExecutions.isEmpty }

    /// Returns its place among those with the same scope, by which it is removed.
    mutating func insert(_ member: Int, for scope: WatchScope) -> Int {
        switch scope {
        case .everything: ofEverything.insertLast(member)
        case .job(let id): ofJobs[id, default: []].insertLast(member)
        case .thing(let name), .queue(let name): ofThings[name, default: []].insertLast(member)
        case .execution(let id, let name):
            ofExecutions[OneExecution(jobId: id, thingName: name), default: []].insertLast(member)
        }
    }

    /// Returns the member that has the free place from now on.
    mutating func remove(at place: Int, for scope: WatchScope) -> Int? {
        switch scope {
        case .everything: ofEverything.removeFilling(place)
        case .job(let id): ofJobs.removeMember(at: place, of: id)
        case .thing(let name), .queue(let name): ofThings.removeMember(at: place, of: name)
        case .execution(let id, let name):
            ofExecutions.removeMember(at: place, of: OneExecution(jobId: id, thingName: name))
        }
    }

    /// Calls `body` with each member that is for the event. A server without watches of a kind pays nothing for it.
    func forEach(of event: borrowing FeedEvent, _ body: (Int) -> Void) {
        for member in ofEverything { body(member) }
        if !ofJobs.isEmpty, let members = ofJobs[event.job.id] {
            for member in members { body(member) }
        }
        guard event.isOfExecution else { return }
        if !ofThings.isEmpty, let members = ofThings[event.thingName] {
            for member in members { body(member) }
        }
        guard !ofExecutions.isEmpty else { return }
        let execution = OneExecution(jobId: event.job.id, thingName: event.thingName)
        if let members = ofExecutions[execution] {
            for member in members { body(member) }
        }
    }
}

extension ContiguousArray<Int> {
    fileprivate mutating func insertLast(_ member: Int) -> Int {
        append(member)
        return count - 1
    }

    /// The last member takes the place of the removed one.
    fileprivate mutating func removeFilling(_ place: Int) -> Int? {
        let last = removeLast()
        guard place < count else { return nil }
        self[place] = last
        return last
    }
}

extension Dictionary where Value == FeedAudience.Members {
    fileprivate mutating func removeMember(at place: Int, of key: Key) -> Int? {
        let moved = self[key]?.removeFilling(place)
        if self[key]?.isEmpty == true { self[key] = nil }
        return moved
    }
}
