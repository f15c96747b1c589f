import ErrandCore
import ErrandWire
import Testing

/// Every number of Protocol/SPEC.md against the code; `LayoutTests` has the offsets.
@Suite(.timeLimit(.minutes(2)))
struct SpecificationTests {
    private let specification = Specification.ofRepository

    @Test func opcodesAreThoseOfSection5() throws {
        let table = try #require(specification.table("5", "opcode"))
        let written = Dictionary(uniqueKeysWithValues: table.rows.map { ($0[0], $0[1]) })
        let coded = Opcode.allCases.map { opcode in
            let digits = String(opcode.rawValue, radix: 16, uppercase: true)
            return ("0x" + (digits.count < 2 ? "0" : "") + digits, opcode.description)
        }
        #expect(written == Dictionary(uniqueKeysWithValues: coded))
        for row in table.rows {
            let number = UInt8(row[0].dropFirst(2), radix: 16) ?? 0
            #expect((row[3] == "call") == (number >= Opcode.firstCall), "\(row[1])")
        }
    }

    @Test func statusCodesAreThoseOfSection10() throws {
        let table = try #require(specification.table("10", "code"))
        let written = table.rows.map { $0[0...3].joined(separator: " ") }
        let coded = StatusCode.allCases.map { code in
            "\(code.rawValue) \(code) \(code.retryAdvice.rawValue) \(code.applied)"
        }
        #expect(written == coded)
    }

    @Test func connectionErrorsAreThoseOfSection11() throws {
        let table = try #require(specification.table("11", "reason"))
        let written = table.rows.map { $0[0...2].joined(separator: " ") }
        let coded = ConnectionFault.allCases.map { "\($0.rawValue) \($0) \($0.status.rawValue)" }
        #expect(written == coded)
    }

    private static let limitsOfWatches: [String: Int64] = [
        "watchCountMax": Int64(ServerLimits.watchCountMax),
        "watchHistoryEventCount": Int64(ServerLimits.watchHistoryEventCount),
        "watchHistoryDetailsByteCountMax": Int64(ServerLimits.watchHistoryDetailsByteCountMax),
        "watchLagEventCountMax": Int64(ServerLimits.watchLagEventCountMax),
        "watchBookmarkIntervalMilliseconds": ServerLimits.watchBookmarkIntervalMilliseconds,
    ]

    @Test func limitsAreThoseOfSection12() throws {
        let table = try #require(specification.table("12", "name"))
        let coded: [String: Int64] = [
            "segmentByteCountMax": Int64(WireLimits.segmentByteCountMax),
            "segmentByteCountMaxBeforeWelcome": Int64(WireLimits.segmentByteCountMaxBeforeWelcome),
            "segmentByteCountMaxFloor": Int64(WireLimits.segmentByteCountMaxFloor),
            "callsInFlightMax": Int64(WireLimits.callsInFlightMax),
            "bytesInFlightMax": Int64(WireLimits.bytesInFlightMax),
            "batchItemCountMax": Int64(WireLimits.batchItemCountMax),
            "pageResultCountMax": Int64(FieldLimits.pageResultCountMax),
            "pendingResultCountDefault": Int64(FieldLimits.pendingResultCountDefault),
            "jobTargetCountMax": Int64(FieldLimits.jobTargetCountMax),
            "stagedJobTimeoutMilliseconds": ServerLimits.stagedJobTimeoutMilliseconds,
            "jobCountMax": Int64(ServerLimits.jobCountMax),
            "stagedJobCountMax": Int64(ServerLimits.stagedJobCountMax),
            "stagedTargetCountMax": Int64(ServerLimits.stagedTargetCountMax),
            "executionCountMax": Int64(ServerLimits.executionCountMax),
            "promptTargetCountMax": Int64(ServerLimits.promptTargetCountMax),
            "handshakeTimeoutMilliseconds": WireLimits.handshakeTimeoutMilliseconds,
            "segmentTimeoutMilliseconds": WireLimits.segmentTimeoutMilliseconds,
            "idleTimeoutMilliseconds": WireLimits.idleTimeoutMilliseconds,
            "pingTimeoutMilliseconds": WireLimits.pingTimeoutMilliseconds,
            "pingIntervalMilliseconds": WireLimits.pingIntervalMilliseconds,
            "writeStallTimeoutMilliseconds": WireLimits.writeStallTimeoutMilliseconds,
            "outputByteCountSoftMax": Int64(WireLimits.outputByteCountSoftMax),
            "controlBudget": Int64(WireLimits.controlBudget),
            "messageByteCountMax": Int64(WireLimits.messageByteCountMax),
            "jobIdByteCountMax": Int64(FieldLimits.jobIdByteCountMax),
            "thingNameByteCountMax": Int64(FieldLimits.thingNameByteCountMax),
            "statusDetailsPairCountMax": Int64(FieldLimits.statusDetailsPairCountMax),
            "statusDetailsKeyByteCountMax": Int64(FieldLimits.statusDetailsKeyByteCountMax),
            "statusDetailsValueScalarCountMax": Int64(FieldLimits.statusDetailsValueScalarCountMax),
            "jobDocumentByteCountMax": Int64(FieldLimits.jobDocumentByteCountMax),
            "jobDocumentDepthMax": Int64(FieldLimits.jobDocumentDepthMax),
            "descriptionScalarCountMax": Int64(FieldLimits.descriptionScalarCountMax),
            "timeoutInMinutesMax": FieldLimits.timeoutInMinutesMax,
            "nextTokenByteCountMax": Int64(FieldLimits.nextTokenByteCountMax),
            "idempotencyKeyCountMin": Int64(ServerLimits.idempotencyKeyCountMin),
            "deletionKeyCountMin": Int64(ServerLimits.deletionKeyCountMin),
            "historyFirstChangeCount": Int64(ServerLimits.historyFirstChangeCount),
            "historyLastChangeCount": Int64(ServerLimits.historyLastChangeCount),
            "historyRefusedReportCount": Int64(ServerLimits.historyRefusedReportCount),
            "historyByteCountMax": Int64(ServerLimits.historyByteCountMax),
            "jobDeletionCountMax": Int64(ServerLimits.jobDeletionCountMax),
            "retryCriterionCountMax": Int64(FieldLimits.retryCriterionCountMax),
            "abortCriterionCountMax": Int64(FieldLimits.abortCriterionCountMax),
            "numberOfRetriesMax": Int64(FieldLimits.numberOfRetriesMax),
            "ratePerMinuteMax": Int64(FieldLimits.ratePerMinuteMax),
            "reasonCodeByteCountMax": Int64(FieldLimits.reasonCodeByteCountMax),
            "commentScalarCountMax": Int64(FieldLimits.commentScalarCountMax),
        ]
        var written: [String: Int64] = [:]
        for row in table.rows { written[row[0]] = Int64(row[1]) }
        #expect(written == coded.merging(Self.limitsOfWatches) { $1 })
    }

    /// The numbers of the patterns, those in brackets and in code aside.
    @Test func patternsOfSection12HaveTheNumbersOfTheLimits() throws {
        let table = try #require(specification.table("12", "field"))
        let retries = FieldLimits.numberOfRetriesMax
        let timeout = Int(FieldLimits.timeoutInMinutesMax)
        let coded: [String: [Int]] = [
            "jobId": [1, FieldLimits.jobIdByteCountMax], "thingName": [1, FieldLimits.thingNameByteCountMax],
            "statusDetails key": [1, FieldLimits.statusDetailsKeyByteCountMax],
            "statusDetails value": [1, FieldLimits.statusDetailsValueScalarCountMax],
            "description": [FieldLimits.descriptionScalarCountMax], "comment": [FieldLimits.commentScalarCountMax],
            "reasonCode": [FieldLimits.reasonCodeByteCountMax], "retry criteria": [0, retries, retries],
            "maximumPerMinute, baseRatePerMinute": [1, Int(FieldLimits.ratePerMinuteMax)],
            "incrementFactorTenths": [
                Int(FieldLimits.incrementFactorTenths.lowerBound), Int(FieldLimits.incrementFactorTenths.upperBound),
            ],
            "increaseThreshold": [1],
            "abort criteria": [
                FieldLimits.abortCriterionCountMax, 0, Int(FieldLimits.thresholdPercentageHundredthsMax), 1,
            ],
            "document": [1, FieldLimits.jobDocumentByteCountMax, FieldLimits.jobDocumentDepthMax],
            "executionNumber": [1],
            "status of UpdateJobExecution": [], "targets of AddJobTargets and RemoveJobTargets": [],
            // No limit: the number of the section with the table.
            "scope of Watch": [9, 23],
            "maxResults": [1, FieldLimits.pageResultCountMax], "nextToken": [FieldLimits.nextTokenByteCountMax],
            "targetCount": [1, FieldLimits.jobTargetCountMax], "itemCount": [1],
            "inProgressTimeoutInMinutes": [1, timeout], "stepTimeoutInMinutes": [1, timeout, 1],
        ]
        var written: [String: [Int]] = [:]
        for row in table.rows {
            let plain = row[1].replacing(/`[^`]*`|\([^)]*\)/, with: "")
            written[row[0]] = plain.matches(of: /[0-9][0-9,]*/).compactMap { Int($0.0.filter { $0 != "," }) }
        }
        #expect(written == coded)
    }

    @Test func statusNumbersAreThoseOfSections8And9() {
        let named = JobExecutionStatus.allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", ")
        #expect(specification.text.contains("Execution status: \(named)."))
        let jobs = JobStatus.allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", ")
        #expect(specification.text.contains("Job status: \(jobs)."))
        let applied = [Applied.no, .yes, .unknown].map { "\($0.rawValue) \($0)" }.joined(separator: ", ")
        #expect(specification.text.contains("`applied`: \(applied)."))
    }

    @Test func otherEnumerationsAreThoseOfSections8And9() {
        let types = FailureType.allCases.map { "\($0.rawValue) \($0)" }.joined(separator: ", ")
        #expect(specification.text.contains("Failure type: \(types) ("))
        let actors = [JobExecutionHistoryEntry.Actor.device, .fleetOperator, .service]
        let named = actors.map { "\($0.rawValue) \($0)" }.joined(separator: ", ")
        // Of a history's entry (8.7) and of an event (8.9).
        #expect(specification.text.ranges(of: "actor: \(named).").count == 2)
        let kinds = [JobExecutionHistoryEntry.Kind.change, .refusedReport].map(\.rawValue)
        #expect(specification.text.contains("kind: \(kinds[0]) a change, \(kinds[1]) a refused report"))
        let selections = [TargetSelection.snapshot, .continuous].map(\.rawValue)
        #expect(specification.text.contains("targetSelection: \(selections[0]) SNAPSHOT; \(selections[1]) CONTINUOUS"))
    }

    @Test func reasonsForTheEndOfAWatchAreStatusCodes() throws {
        let table = try #require(specification.table("7.9", "status"))
        let codes: [StatusCode] = [.cancelled, .slowConsumer, .watchCompacted, .unavailable]
        #expect(table.rows.map { $0[0] } == codes.map(\.description))
    }

    @Test func theMagicAndTheChecksumAreThoseOfTheText() throws {
        let magic = try #require(specification.text.firstMatch(of: /8 bytes `((?:[0-9A-F]{2} ?){8})`/))
        #expect(magic.1.split(separator: " ").compactMap { UInt8($0, radix: 16) } == WireLimits.magic)
        let sum = try #require(specification.text.firstMatch(of: /`"123456789"` is `([0-9A-F]{8})`/))
        let digits = Array("123456789".utf8)
        #expect(UInt32(sum.1, radix: 16) == CRC32.checksum(digits.span.bytes))
    }

    @Test func sizesOfTheTextAreThoseOfTheCode() {
        #expect(specification.text.contains("up to about 64 KiB"))
        #expect(WireLimits.segmentByteCountTarget == 64 * 1024)
        #expect(specification.text.contains("at least \(WireLimits.compressionByteCountMin) raw bytes"))
        #expect(specification.text.contains("are at most \(WireLimits.clientNameByteCountMax) bytes each"))
        #expect(specification.text.contains("credential at most 2,048"))
        #expect(WireLimits.credentialByteCountMax == 2048)
        #expect(specification.text.hasPrefix("# The Errand protocol, version \(WireLimits.version)\n"))
    }

    /// The vectors are one a line, so a line with that name has to have that hex.
    @Test func examplesAreVectors() {
        #expect(specification.examples.count > 30)
        for example in specification.examples {
            let lines = Repository.text("Protocol/vectors/\(example.file)").split(separator: "\n")
            let line = lines.first { $0.contains("\"name\": \"\(example.name)\",") }
            #expect(line?.contains("\"hex\": \"\(example.hex)\"") == true, "\(example.name)")
        }
    }

    @Test func thePictureIsAVector() throws {
        var bytes: [UInt8] = []
        for line in specification.text.split(separator: "\n") {
            guard let match = line.wholeMatch(of: #/ +([0-9]+) {2}((?:[0-9a-f]{2} )+) .*/#), Int(match.1) == bytes.count
            else { continue }
            bytes += match.2.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        }
        #expect(bytes.count == 64)
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let lines = Repository.text("Protocol/vectors/segments.json").split(separator: "\n")
        let line = try #require(lines.first { $0.contains("\"name\": \"one describe call\",") })
        #expect(line.contains("\"hex\": \"\(digits)\""))
    }

    @Test func everyRequirementIsNamedOnce() {
        let names = specification.text.matches(of: #/\n- `([A-Z]+-[0-9]+)` /#).map { String($0.1) }
        #expect(names.count > 40)
        #expect(Set(names).count == names.count)
    }
}
