internal import ErrandCore

/// The configuration of a job inside a root block (SPEC §8.6), and the abort criteria behind it.
enum ConfigurationBlock {
    static let byteCount = 24

    /// Bits of the message's presence that belong to the block.
    static let rolloutBit = 3
    static let exponentialRateBit = 4

    static func presenceBits(_ rollout: RolloutConfig?) -> UInt32 {
        presence(UInt32(rolloutBit), when: rollout != nil)
            | presence(UInt32(exponentialRateBit), when: rollout?.exponentialRate != nil)
    }

    static func write(
        retryCriteria: [RetryCriterion], rollout: RolloutConfig?, into root: inout RootBlock, at offset: Int
    ) {
        root.store(UInt8(truncatingIfNeeded: min(2, retryCriteria.count)), at: offset)
        for (index, criterion) in retryCriteria.prefix(2).enumerated() {
            root.store(criterion.failureType.rawValue, at: offset + 1 + index * 2)
            root.store(criterion.numberOfRetries, at: offset + 2 + index * 2)
        }
        guard let rollout else { return }
        root.store(rollout.maximumPerMinute, at: offset + 8)
        guard let rate = rollout.exponentialRate else { return }
        root.store(rate.incrementFactorTenths, at: offset + 6)
        root.store(rate.baseRatePerMinute, at: offset + 12)
        switch rate.increaseCriterion {
        case .numberOfNotifiedThings(let threshold):
            root.store(UInt8(1), at: offset + 5)
            root.store(threshold, at: offset + 16)
        case .numberOfSucceededThings(let threshold):
            root.store(UInt8(2), at: offset + 5)
            root.store(threshold, at: offset + 16)
        }
    }
}

extension MessageReader {
    func retryCriteria(at offset: Int) throws(MessageFault) -> [RetryCriterion] {
        let count = Int(root(offset, as: UInt8.self))
        guard count <= 2 else { throw .malformed("there are \(count) retry criteria, the form has 2") }
        var criteria: [RetryCriterion] = []
        for index in 0..<2 {
            let type = root(offset + 1 + index * 2, as: UInt8.self)
            let retries = root(offset + 2 + index * 2, as: UInt8.self)
            if index < count {
                criteria.append(RetryCriterion(failureType: try failureType(type), numberOfRetries: retries))
            } else if type != 0 || retries != 0 {
                throw .malformed("a retry criterion that does not count is not 0")
            }
        }
        return criteria
    }

    func rollout(at offset: Int) throws(MessageFault) -> RolloutConfig? {
        try requireZero((offset + 7)..<(offset + 8))
        try requireZero((offset + 20)..<(offset + 24))
        guard let maximum = optional(offset + 8, bit: ConfigurationBlock.rolloutBit, as: UInt32.self) else {
            if isPresent(ConfigurationBlock.exponentialRateBit) {
                throw .malformed("an exponential rate without a rollout")
            }
            return nil
        }
        guard isPresent(ConfigurationBlock.exponentialRateBit) else { return RolloutConfig(maximumPerMinute: maximum) }
        let threshold = root(offset + 16, as: UInt32.self)
        let criterion: RolloutConfig.IncreaseCriterion
        switch root(offset + 5, as: UInt8.self) {
        case 1: criterion = .numberOfNotifiedThings(threshold)
        case 2: criterion = .numberOfSucceededThings(threshold)
        case let other: throw .malformed("no increase criterion has number \(other)")
        }
        return RolloutConfig(
            maximumPerMinute: maximum,
            exponentialRate: RolloutConfig.ExponentialRate(
                baseRatePerMinute: root(offset + 12, as: UInt32.self),
                incrementFactorTenths: root(offset + 6, as: UInt8.self), increaseCriterion: criterion))
    }

    func failureType(_ number: UInt8) throws(MessageFault) -> FailureType {
        guard let type = FailureType(rawValue: number) else { throw .malformed("no failure type has number \(number)") }
        return type
    }

    /// The variable field `aborts` (SPEC §2).
    mutating func abortCriteria() throws(MessageFault) -> [AbortCriterion] {
        let count = Int(try take(UInt16.self))
        var criteria: [AbortCriterion] = []
        for _ in 0..<count {
            let type = try failureType(try take(UInt8.self))
            guard try take(UInt8.self) == 0, try take(UInt16.self) == 0 else {
                throw .malformed("a reserved byte of an abort criterion is not 0")
            }
            criteria.append(
                AbortCriterion(
                    failureType: type, thresholdPercentageHundredths: try take(UInt32.self),
                    minNumberOfExecutedThings: try take(UInt32.self)))
        }
        return criteria
    }

    /// 16 bytes of a root block that count only if their presence bit is set.
    func idempotencyKey(at offset: Int, bit: Int) -> IdempotencyKey? {
        guard isPresent(bit) else { return nil }
        return IdempotencyKey(
            high: root(offset, as: UInt64.self).byteSwapped, low: root(offset + 8, as: UInt64.self).byteSwapped)
    }
}

extension RootBlock {
    /// The key's bytes in the order in which they are written out.
    mutating func store(_ key: IdempotencyKey?, at offset: Int) {
        guard let key else { return }
        store(key.high.byteSwapped, at: offset)
        store(key.low.byteSwapped, at: offset + 8)
    }
}

extension ByteWriter {
    mutating func appendAborts(_ criteria: [AbortCriterion]) {
        append(UInt16(truncatingIfNeeded: criteria.count))
        for criterion in criteria {
            append(criterion.failureType.rawValue)
            append(UInt8(0))
            append(UInt16(0))
            append(criterion.thresholdPercentageHundredths)
            append(criterion.minNumberOfExecutedThings)
        }
    }
}
