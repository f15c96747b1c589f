import ErrandCore
import ErrandWire
import Testing

/// Every number of Protocol/SPEC.md against the code; `LayoutTests` has the offsets.
@Suite(.timeLimit(.minutes(2)))
struct SpecificationTests {
    private let specification = Specification(Repository.text("Protocol/SPEC.md"))

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
            "descriptionScalarCountMax": Int64(FieldLimits.descriptionScalarCountMax),
            "timeoutInMinutesMax": FieldLimits.timeoutInMinutesMax,
            "nextTokenByteCountMax": Int64(FieldLimits.nextTokenByteCountMax),
        ]
        var written: [String: Int64] = [:]
        for row in table.rows { written[row[0]] = Int64(row[1]) }
        // The store's own; it is not visible from here, so its source is read.
        let removed = written.removeValue(forKey: "stagedJobTimeoutMilliseconds")
        let staged = try #require(removed)
        let lines: [String] = Repository.swiftFiles("Sources/ErrandStore").flatMap(\.lines)
        let line = try #require(lines.first { $0.contains("let stagedJobTimeoutMilliseconds") })
        #expect(String(line.filter { $0 != "_" }).hasSuffix("= \(staged)"))
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
