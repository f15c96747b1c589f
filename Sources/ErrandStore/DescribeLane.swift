package import ErrandCore

/// The describes of one batch and what they found, packed in a few arrays that are used again and again.
///
/// Describes are most of what a server does. Here one costs no allocation, moves no large value, and counts no
/// references: names and status details are copied as bytes, the rest as plain numbers. A describe is known by its
/// place, counted in the order in which the describes of the batch came.
package struct DescribeLane: Sendable {
    /// One describe: where its names are, each behind its byte count in 2 bytes, and which attempt it wants.
    private struct Call: BitwiseCopyable, Sendable {
        var nameStart: UInt32
        var jobIdByteCount: UInt8
        var thingNameByteCount: UInt8
        /// 0 for the latest.
        var attempt: Int64
    }

    /// What one describe found.
    package struct Found: BitwiseCopyable, Sendable {
        package let facts: ExecutionFacts
        package let approximateSecondsBeforeTimedOut: UInt32?
        fileprivate let details: Details
    }

    /// How many pairs, and where they are.
    fileprivate struct Details: BitwiseCopyable, Sendable {
        var count: Int
        /// Among `largeDetails` if there is no byte count.
        var place: Int
        var byteCount: Int?
    }

    /// Details that are larger are not copied but shared: a batch may have hundreds of 42 KB.
    private static let copiedByteCountMax = 512

    private var calls: ContiguousArray<Call> = []
    private var names: ContiguousArray<UInt8> = []
    /// Of each describe that was decided: an index into `found`, or the complement of one into `refusals`.
    private var outcomes: ContiguousArray<Int> = []
    private var found: ContiguousArray<Found> = []
    private var details: ContiguousArray<UInt8> = []
    private var largeDetails: [StatusDetails] = []
    private var refusals: [Refusal] = []
    /// The last of `refusals` is that of all describes.
    private var areAllRefused = false

    package init() {}

    /// How many describes there are.
    package var count: Int { calls.count }

    /// Takes a validated describe into the batch. `executionNumber` is not 0.
    package mutating func add(jobId: RawSpan, thingName: RawSpan, executionNumber: Int64?) {
        calls.append(
            Call(
                nameStart: UInt32(names.count), jobIdByteCount: UInt8(jobId.byteCount),
                thingNameByteCount: UInt8(thingName.byteCount), attempt: executionNumber ?? 0))
        append(name: jobId)
        append(name: thingName)
    }

    private mutating func append(name: RawSpan) {
        names.append(UInt8(name.byteCount))
        names.append(0)
        names.append(copying: name)
    }

    /// Takes one of the latest attempt; `names` are both names, each behind its byte count in 2 bytes. They are checked only
    /// if nothing is found, because names of something that exists are right.
    package mutating func add(names: RawSpan, jobIdByteCount: UInt8, thingNameByteCount: UInt8) {
        calls.append(
            Call(
                nameStart: UInt32(self.names.count), jobIdByteCount: jobIdByteCount,
                thingNameByteCount: thingNameByteCount, attempt: 0))
        self.names.append(copying: names)
    }

    package mutating func add(_ request: borrowing DescribeJobExecutionRequest) {
        add(
            jobId: request.jobId.bytes, thingName: request.thingName.bytes,
            executionNumber: request.executionNumber)
    }

    package func executionNumber(of place: Int) -> Int64? {
        let attempt = calls[place].attempt
        return attempt == 0 ? nil : attempt
    }

    @_lifetime(borrow self)
    package func jobId(of place: Int) -> RawSpan {
        let call = calls[place]
        let start = Int(call.nameStart) + 2
        return names.span.bytes.extracting(start..<(start + Int(call.jobIdByteCount)))
    }

    @_lifetime(borrow self)
    package func thingName(of place: Int) -> RawSpan {
        let call = calls[place]
        let start = Int(call.nameStart) + 2 + Int(call.jobIdByteCount) + 2
        return names.span.bytes.extracting(start..<(start + Int(call.thingNameByteCount)))
    }

    /// Both names, each behind its byte count in 2 bytes.
    @_lifetime(borrow self)
    package func names(of place: Int) -> RawSpan {
        let call = calls[place]
        let start = Int(call.nameStart)
        return names.span.bytes.extracting(
            start..<(start + 4 + Int(call.jobIdByteCount) + Int(call.thingNameByteCount)))
    }

    // MARK: Outcomes

    /// Keeps what the describe at `place` found: the next one, or one that is decided again.
    mutating func keep(_ record: borrowing ExecutionRecord, at nowMilliseconds: Int64, of place: Int) {
        let areFew = keep(
            record.facts, ifFew: record.statusDetails.flat.span.bytes, detailsCount: record.statusDetails.count,
            at: nowMilliseconds, of: place)
        guard !areFew else { return }
        keep(
            record.facts, Details(count: record.statusDetails.count, place: largeDetails.count, byteCount: nil),
            at: nowMilliseconds, of: place)
        largeDetails.append(record.statusDetails)
    }

    /// The same of a record in parts, which counts no reference. Returns whether the details were few enough.
    @inline(__always)
    mutating func keep(
        _ facts: ExecutionFacts, ifFew flat: RawSpan, detailsCount: Int, at nowMilliseconds: Int64, of place: Int
    ) -> Bool {
        guard flat.byteCount <= Self.copiedByteCountMax else { return false }
        let kept = Details(count: detailsCount, place: details.count, byteCount: flat.byteCount)
        details.append(copying: flat)
        keep(facts, kept, at: nowMilliseconds, of: place)
        return true
    }

    private mutating func keep(_ facts: ExecutionFacts, _ kept: Details, at nowMilliseconds: Int64, of place: Int) {
        set(found.count, of: place)
        found.append(
            Found(
                facts: facts,
                approximateSecondsBeforeTimedOut: facts.approximateSecondsBeforeTimedOut(at: nowMilliseconds),
                details: kept))
    }

    mutating func refuse(_ refusal: Refusal, of place: Int) {
        set(~refusals.count, of: place)
        refusals.append(refusal)
    }

    private mutating func set(_ outcome: Int, of place: Int) {
        if place == outcomes.count { outcomes.append(outcome) } else { outcomes[place] = outcome }
    }

    /// Refuses all of them, whatever was found.
    mutating func refuseAll(_ refusal: Refusal) {
        refusals.append(refusal)
        areAllRefused = true
    }

    /// Why the describe was refused; nothing if it was not.
    package func refusal(of place: Int) -> Refusal? {
        if areAllRefused { return refusals.last }
        let outcome = outcomes[place]
        return outcome < 0 ? refusals[~outcome] : nil
    }

    /// What the describe found; nothing if it was refused.
    @inline(__always)
    package subscript(place: Int) -> Found? {
        let outcome = outcomes[place]
        return outcome < 0 || areAllRefused ? nil : found[outcome]
    }

    /// Lends its details, flat as in `StatusDetails`, and how many pairs they are.
    @inline(__always)
    package func withDetails<Result>(of found: Found, _ body: (RawSpan, Int) -> Result) -> Result {
        let place = found.details.place
        guard let byteCount = found.details.byteCount else {
            let large = largeDetails[place]
            return body(large.flat.span.bytes, large.count)
        }
        return body(details.span.bytes.extracting(place..<(place + byteCount)), found.details.count)
    }

    /// Makes it ready for the next use, keeping its memory.
    package mutating func reset() {
        calls.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
        details.removeAll(keepingCapacity: true)
        largeDetails = []
        refusals = []
        areAllRefused = false
    }
}
