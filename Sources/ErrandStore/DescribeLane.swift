package import ErrandCore

/// The describes of one batch and what they found, packed in a few arrays that are used again and again.
///
/// Describes are most of what a server does. Here one costs no allocation, moves no large value, and counts no
/// references: names and status details are copied as bytes, the rest as plain numbers.
package struct DescribeLane: Sendable {
    /// One describe: where its names are, and which attempt it wants.
    package struct Call: BitwiseCopyable, Sendable {
        fileprivate let nameStart: UInt32
        fileprivate let jobIdByteCount: UInt8
        fileprivate let thingNameByteCount: UInt8
        /// 0 for the latest.
        fileprivate let attempt: Int64

        package var executionNumber: Int64? { attempt == 0 ? nil : attempt }
    }

    /// What one describe found.
    package struct Found: BitwiseCopyable, Sendable {
        package let facts: ExecutionFacts
        package let approximateSecondsBeforeTimedOut: UInt32?
        fileprivate let details: Details
    }

    /// How many pairs, and where they are.
    fileprivate struct Details: BitwiseCopyable, Sendable {
        let count: Int
        let place: Int
        /// Nothing if they are one of `largeDetails`.
        let byteCount: Int?
    }

    /// Details that are larger are not copied but shared: a batch may have hundreds of 42 KB.
    private static let copiedByteCountMax = 512

    private var names: ContiguousArray<UInt8> = []
    private var details: ContiguousArray<UInt8> = []
    private var largeDetails: [StatusDetails] = []
    private var found: ContiguousArray<Found> = []

    package init() {}

    /// Takes a validated describe into the batch. `executionNumber` is not 0.
    package mutating func add(jobId: RawSpan, thingName: RawSpan, executionNumber: Int64?) -> Call {
        let start = names.count
        names.append(copying: jobId)
        names.append(copying: thingName)
        return Call(
            nameStart: UInt32(start), jobIdByteCount: UInt8(jobId.byteCount),
            thingNameByteCount: UInt8(thingName.byteCount), attempt: executionNumber ?? 0)
    }

    package mutating func add(_ request: borrowing DescribeJobExecutionRequest) -> Call {
        add(
            jobId: request.jobId.bytes, thingName: request.thingName.bytes,
            executionNumber: request.executionNumber)
    }

    @_lifetime(borrow self)
    package func jobId(of call: Call) -> RawSpan {
        let start = Int(call.nameStart)
        return names.span.bytes.extracting(start..<(start + Int(call.jobIdByteCount)))
    }

    @_lifetime(borrow self)
    package func thingName(of call: Call) -> RawSpan {
        let start = Int(call.nameStart) + Int(call.jobIdByteCount)
        return names.span.bytes.extracting(start..<(start + Int(call.thingNameByteCount)))
    }

    /// Keeps what was found; returns its place.
    mutating func keep(_ record: borrowing ExecutionRecord, at nowMilliseconds: Int64) -> Int {
        let byteCount = record.statusDetails.flat.count
        let kept: Details
        if byteCount <= Self.copiedByteCountMax {
            kept = Details(count: record.statusDetails.count, place: details.count, byteCount: byteCount)
            details.append(copying: record.statusDetails.flat.span.bytes)
        } else {
            kept = Details(count: record.statusDetails.count, place: largeDetails.count, byteCount: nil)
            largeDetails.append(record.statusDetails)
        }
        found.append(
            Found(
                facts: record.facts,
                approximateSecondsBeforeTimedOut: record.facts.approximateSecondsBeforeTimedOut(at: nowMilliseconds),
                details: kept))
        return found.count - 1
    }

    package subscript(place: Int) -> Found { found[place] }

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
        names.removeAll(keepingCapacity: true)
        details.removeAll(keepingCapacity: true)
        largeDetails = []
        found.removeAll(keepingCapacity: true)
    }
}
