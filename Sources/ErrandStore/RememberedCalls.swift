import ErrandCore

/// The last calls with an idempotency key that changed one execution, with their outcome, in one buffer that exists
/// only if there were any.
struct RememberedCalls {
    static let countMax = ServerLimits.idempotencyKeyCountMin

    /// How many there are, then for each: the byte count of the rest, key, fingerprint, status, version, time of the
    /// change, remaining seconds plus 1, count of details plus 1, details. 0 stands for an absent value.
    private var bytes: ContiguousArray<UInt8> = []

    struct Outcome {
        var status: JobExecutionStatus
        var versionNumber: Int64
        var lastUpdatedAtMilliseconds: Int64
        var approximateSecondsBeforeTimedOut: UInt32?
        /// If the call was answered with them.
        var statusDetails: StatusDetails?
    }

    init() {}

    /// What a row holds of it.
    var stored: ContiguousArray<UInt8> { bytes }

    /// Nothing if these are no bytes of remembered calls.
    init?(stored: RawSpan) {
        guard !stored.isEmpty else { return }
        var check = CompactCheck(stored)
        let count = Int(check.byte())
        let isSequence = check.isSequence(count: count, fixedByteCount: 24) { fields in
            _ = (fields.byte(), fields.varint(), fields.varint(), fields.varint())
            let count = fields.byte()
            return count == 0 ? 0 : count - 1
        }
        guard count <= Self.countMax, isSequence else { return nil }
        bytes = ContiguousArray(copying: stored)
    }

    var isEmpty: Bool { bytes.isEmpty }

    mutating func remember(_ key: IdempotencyKey, _ fingerprint: UInt64, _ outcome: Outcome, queuedAt: Int64) {
        if bytes.isEmpty {
            bytes.reserveCapacity(48)
            bytes.append(0)
        } else if bytes[0] >= Self.countMax {
            dropOldest()
        }
        let version = UInt64(bitPattern: outcome.versionNumber)
        let (delta, overflows) = outcome.lastUpdatedAtMilliseconds.subtractingReportingOverflow(queuedAt)
        let time = overflows ? UInt64(Int64.max) : UInt64(max(0, delta))
        let seconds = outcome.approximateSecondsBeforeTimedOut.map { UInt64($0) + 1 } ?? 0
        let byteCount =
            24 + 1 + ContiguousArray.varintByteCount(version) + ContiguousArray.varintByteCount(time)
            + ContiguousArray.varintByteCount(seconds) + 1 + (outcome.statusDetails?.flat.count ?? 0)
        bytes.append(varint: UInt64(byteCount))
        bytes.append(word: key.high)
        bytes.append(word: key.low)
        bytes.append(word: fingerprint)
        bytes.append(outcome.status.rawValue)
        bytes.append(varint: version)
        bytes.append(varint: time)
        bytes.append(varint: seconds)
        bytes.append(outcome.statusDetails.map { UInt8($0.count) + 1 } ?? 0)
        if let details = outcome.statusDetails { bytes.append(contentsOf: details.flat) }
        bytes[0] += 1
    }

    func find(_ key: IdempotencyKey, queuedAt: Int64) -> (fingerprint: UInt64, outcome: Outcome)? {
        guard !bytes.isEmpty else { return nil }
        var reader = CompactReader(bytes, at: 1)
        while !reader.isAtEnd {
            let byteCount = Int(reader.varint())
            let end = reader.offset + byteCount
            guard reader.word() == key.high, reader.word() == key.low else {
                reader.skip(to: end)
                continue
            }
            let fingerprint = reader.word()
            let status = JobExecutionStatus(rawValue: reader.byte()) ?? .queued
            let version = Int64(bitPattern: reader.varint())
            let time = reader.time(since: queuedAt)
            let seconds = reader.varint()
            let detailsCount = Int(reader.byte())
            let outcome = Outcome(
                status: status, versionNumber: version, lastUpdatedAtMilliseconds: time,
                approximateSecondsBeforeTimedOut: seconds == 0 ? nil : UInt32(clamping: seconds - 1),
                statusDetails: detailsCount == 0 ? nil : reader.details(count: detailsCount - 1, to: end))
            return (fingerprint, outcome)
        }
        return nil
    }

    private mutating func dropOldest() {
        var reader = CompactReader(bytes, at: 1)
        let byteCount = Int(reader.varint())
        let end = reader.offset + byteCount
        reader = CompactReader([], at: 0)
        bytes.removeSubrange(1..<end)
        bytes[0] -= 1
    }
}

/// The last calls with an idempotency key on one job, or the store's last deletions, with their outcome.
struct RememberedOutcomes {
    private var entries: [IdempotencyKey: (fingerprint: UInt64, outcome: StoreOutcome)] = [:]
    /// A ring, once it is full.
    private var order: [IdempotencyKey] = []
    private var oldest = 0
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    var count: Int { order.count }

    /// The oldest first.
    func forEach(_ body: (IdempotencyKey, _ fingerprint: UInt64, StoreOutcome) -> Void) {
        for index in order.indices {
            let key = order[(oldest + index) % order.count]
            if let entry = entries[key] { body(key, entry.fingerprint, entry.outcome) }
        }
    }

    mutating func remember(_ key: IdempotencyKey?, _ fingerprint: UInt64, _ outcome: StoreOutcome) {
        guard let key, entries[key] == nil else { return }
        if order.count < countMax {
            order.append(key)
        } else {
            entries[order[oldest]] = nil
            order[oldest] = key
            oldest = (oldest + 1) % countMax
        }
        entries[key] = (fingerprint, outcome)
    }

    /// What a call that is remembered already came to in the end.
    mutating func settle(_ key: IdempotencyKey?, _ outcome: StoreOutcome) {
        guard let key, let entry = entries[key] else { return }
        entries[key] = (entry.fingerprint, outcome)
    }

    /// The first outcome of the same call, or why the key cannot be used; nothing if the key is new here.
    func replay(_ key: IdempotencyKey?, _ fingerprint: UInt64) -> StoreOutcome? {
        guard let key, let entry = entries[key] else { return nil }
        return entry.fingerprint == fingerprint ? entry.outcome : .refused(.idempotencyConflict(key))
    }
}

extension Refusal {
    static func idempotencyConflict(_ key: IdempotencyKey) -> Refusal {
        Refusal(.idempotencyConflict, "the idempotency key \(key) was used for another request; take a new key")
    }
}
