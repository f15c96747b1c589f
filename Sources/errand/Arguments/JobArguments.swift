import ArgumentParser
import ErrandClient

extension ThingName {
    /// A name given as a target. Thing groups and ARNs are told apart from names with a bad character.
    static func target(_ text: String) throws -> ThingName {
        guard !text.contains("/") else { throw BadArgument(notAThing(text)) }
        return try ThingName(text)
    }

    static func notAThing(_ text: String) -> String {
        "'\(text)' is an ARN or a thing group: thing groups are not supported, name the things"
    }
}

extension FailureType {
    static func named(_ text: some StringProtocol) throws(BadArgument) -> FailureType {
        guard let type = allCases.first(where: { $0.description == text.uppercased() }) else {
            throw BadArgument("'\(text)' is not one of \(allCases.map(\.description).joined(separator: ", "))")
        }
        return type
    }
}

extension RetryCriterion {
    /// `FAILED=3`.
    init(argument text: String) throws(BadArgument) {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = UInt8(parts[1]) else {
            throw BadArgument("'\(text)' is not TYPE=COUNT such as FAILED=3")
        }
        self.init(failureType: try .named(parts[0]), numberOfRetries: count)
    }
}

extension AbortCriterion {
    /// `FAILED=50%,min=4`.
    init(argument text: String) throws(BadArgument) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let left = parts[0].split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, left.count == 2, left[1].hasSuffix("%"), parts[1].hasPrefix("min="),
            let threshold = FixedPoint.parse(left[1].dropLast(), places: 2), let count = UInt32(parts[1].dropFirst(4))
        else { throw BadArgument("'\(text)' is not TYPE=PERCENT%,min=COUNT such as FAILED=50%,min=4") }
        self.init(
            failureType: try .named(left[0]), thresholdPercentageHundredths: threshold,
            minNumberOfExecutedThings: count)
    }
}

/// How fast and how far a job goes: what can be given when it is created and changed later.
struct RolloutOptions: CheckedArguments {
    @Option(
        help: ArgumentHelp(
            "How many things at most get their execution queued in any minute: 1 to 1000.", valueName: "count"))
    var maxPerMinute: UInt32?

    @Option(
        help: ArgumentHelp(
            "Where an exponential rate begins: 1 to 1000. It needs --max-per-minute, --increment-factor and one of --increase-after-….",
            valueName: "count"))
    var baseRatePerMinute: UInt32?

    @Option(
        help: ArgumentHelp("What the rate is multiplied by: 1.1 to 5, with one decimal.", valueName: "factor"),
        transform: { text throws(BadArgument) in
            guard let tenths = FixedPoint.parse(text, places: 1), let factor = UInt8(exactly: tenths) else {
                throw BadArgument("'\(text)' is not a number from 1.1 to 5 with one decimal")
            }
            return factor
        })
    var incrementFactor: UInt8?

    @Option(
        help: ArgumentHelp("The rate rises each time so many more things have been queued.", valueName: "count"))
    var increaseAfterNotified: UInt32?

    @Option(
        help: ArgumentHelp("The rate rises each time so many more things have succeeded.", valueName: "count"))
    var increaseAfterSucceeded: UInt32?

    @Option(
        name: .customLong("abort"),
        help: ArgumentHelp(
            "Cancel the job when, of at least COUNT things that have ended, so many percent ended so: FAILED, REJECTED, TIMED_OUT or ALL. Repeat it for more.",
            valueName: "type=percent%,min=count"),
        transform: { try AbortCriterion(argument: $0) })
    var abortCriteria: [AbortCriterion] = []

    /// The parts of an exponential rate belong together.
    func check() throws {
        let criteria = [increaseAfterNotified, increaseAfterSucceeded].compactMap { $0 }
        let isExponential = baseRatePerMinute != nil || incrementFactor != nil || !criteria.isEmpty
        guard isExponential else { return }
        guard maxPerMinute != nil, baseRatePerMinute != nil, incrementFactor != nil, criteria.count == 1 else {
            throw ValidationError(
                "an exponential rate needs --max-per-minute, --base-rate-per-minute, --increment-factor, and one of "
                    + "--increase-after-notified and --increase-after-succeeded")
        }
    }

    var rollout: RolloutConfig? {
        guard let maxPerMinute else { return nil }
        let criterion: RolloutConfig.IncreaseCriterion? =
            increaseAfterNotified.map { .numberOfNotifiedThings($0) }
            ?? increaseAfterSucceeded.map { .numberOfSucceededThings($0) }
        guard let baseRatePerMinute, let incrementFactor, let criterion else {
            return RolloutConfig(maximumPerMinute: maxPerMinute)
        }
        return RolloutConfig(
            maximumPerMinute: maxPerMinute,
            exponentialRate: RolloutConfig.ExponentialRate(
                baseRatePerMinute: baseRatePerMinute, incrementFactorTenths: incrementFactor,
                increaseCriterion: criterion))
    }
}

/// `--target` and `--targets-file`.
struct TargetOptions: CheckedArguments {
    @Option(
        name: .customLong("target"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A thing; repeat it for more.", valueName: "thing"),
        transform: { try ThingName.target($0) })
    var targets: [ThingName] = []

    @Option(
        help: ArgumentHelp(
            "A file with a thing's name on each line; blank lines and lines that begin with # do not count, - reads standard input.",
            valueName: "file"))
    var targetsFile: String?

    func check() throws {
        if targets.isEmpty && targetsFile == nil {
            throw ValidationError("no targets: give --target or --targets-file")
        }
    }

    func names() throws(CommandFailure) -> [ThingName] {
        var list = TargetList(targets)
        if let targetsFile { try list.append(fromFile: targetsFile) }
        guard !list.names.isEmpty else {
            throw CommandFailure(.usage, "no targets: \(targetsFile ?? "the list") names none")
        }
        return list.names
    }
}
