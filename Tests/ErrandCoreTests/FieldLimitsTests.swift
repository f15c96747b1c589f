import ErrandCore
import Testing

/// Each limit of SPEC §12: at it, below it, above it.
@Suite(.timeLimit(.minutes(1)))
struct FieldLimitsTests {
    @Test func jobIdHasOneToSixtyFourCharacters() throws {
        #expect(throws: InvalidField.self) { try JobId("") }
        for count in [1, 63, 64] { #expect(try JobId(text(count)) == text(count)) }
        #expect(throws: InvalidField.self) { try JobId(text(65)) }
    }

    @Test func thingNameHasOneToOneHundredTwentyEightCharacters() throws {
        #expect(throws: InvalidField.self) { try ThingName("") }
        for count in [1, 127, 128] { #expect(try ThingName(text(count)) == text(count)) }
        #expect(throws: InvalidField.self) { try ThingName(text(129)) }
    }

    @Test func namesTakeExactlyTheirAlphabet() throws {
        for scalar in (0..<0x180).compactMap(Unicode.Scalar.init) {
            let string = "a\(Character(scalar))"
            let isNameCharacter =
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                || scalar == "_" || scalar == "-"
            #expect(((try? JobId(string)) != nil) == isNameCharacter, "U+\(String(scalar.value, radix: 16))")
            #expect(((try? ThingName(string)) != nil) == (isNameCharacter || scalar == ":"))
            let details = try? StatusDetails([(key: string, value: "v")])
            #expect((details != nil) == (isNameCharacter || scalar == ":"))
        }
        #expect(throws: InvalidField.self) { try JobId("$next") }
    }

    @Test func statusDetailsHaveUpToTenPairs() throws {
        func details(_ count: Int) throws -> StatusDetails {
            try StatusDetails((0..<count).map { (key: "k\($0)", value: "v") })
        }
        for count in [0, 1, 9, 10] { #expect(try details(count).count == count) }
        #expect(throws: InvalidField.self) { try details(11) }
    }

    @Test func statusDetailsKeysHaveOneToOneHundredTwentyEightCharactersAndComeOnce() throws {
        for count in [1, 127, 128] { _ = try StatusDetails([(key: text(count), value: "v")]) }
        for count in [0, 129, 70_000] {
            #expect(throws: InvalidField.self) { try StatusDetails([(key: text(count), value: "v")]) }
        }
        #expect(throws: InvalidField.self) { try StatusDetails([(key: "a", value: "1"), (key: "a", value: "2")]) }
    }

    /// The limit counts Unicode scalars, not bytes and not what a reader sees as one character.
    @Test(arguments: ["x", "é", "語", "😀", "e\u{301}"])
    func statusDetailsValuesHaveOneToOneThousandTwentyFourScalars(_ unit: String) throws {
        let scalars = unit.unicodeScalars.count
        for count in [1, 1024 / scalars - 1, 1024 / scalars] {
            let value = String(repeating: unit, count: count)
            #expect(try StatusDetails([(key: "k", value: value)])["k"] == value)
        }
        #expect(throws: InvalidField.self) {
            try StatusDetails([(key: "k", value: String(repeating: unit, count: 1024 / scalars) + "x")])
        }
        #expect(throws: InvalidField.self) { try StatusDetails([(key: "k", value: "")]) }
    }

    /// U+0000 control, U+001F, U+007F, U+0085, U+00AD soft hyphen and U+200B format, U+202E, U+FEFF, U+E000 private
    /// use, U+F0000 private use, U+0378 unassigned, U+FFFF noncharacter, U+10FFFF; tab and newline.
    @Test(
        arguments: [
            0x00, 0x09, 0x0A, 0x1F, 0x7F, 0x85, 0xAD, 0x200B, 0x200D, 0x202E, 0xFEFF, 0xE000, 0xF0000, 0x378, 0xFFFF,
            0x10FFFF,
        ] as [UInt32])
    func scalarOfCategoryCIsRefused(_ value: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(value))
        let string = "a\(Character(scalar))b"
        #expect(throws: InvalidField.self) { try StatusDetails([(key: "k", value: string)]) }
        #expect(throws: InvalidField.self) { try self.job { $0.description = string }.validate() }
    }

    @Test(arguments: ["~", " ", "\u{A0}", "é", "\u{301}", "\u{2028}", "語", "😀", "\u{FFFD}"])
    func scalarOfAnyOtherCategoryIsTaken(_ string: String) throws {
        #expect(try StatusDetails([(key: "k", value: string)])["k"] == string)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        for bad in [[0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE8, 0xAA]] as [[UInt8]] {
            let flat: [UInt8] = [1, 0, UInt8(ascii: "k"), UInt8(bad.count), 0] + bad
            #expect(throws: InvalidField.self) { try StatusDetails(checking: flat, count: 1) }
        }
    }

    @Test func stepTimeoutOfAnUpdateIsMinusOneOrOneToTenThousandEighty() throws {
        for minutes in [-1, 1, 2, 10_079, 10_080] as [Int64] {
            try update { $0.stepTimeoutInMinutes = minutes }.validate()
        }
        for minutes in [Int64.min, -2, 0, 10_081, .max] {
            #expect(throws: InvalidField.self) { try self.update { $0.stepTimeoutInMinutes = minutes }.validate() }
            // Also on a terminal report, where it has no effect.
            #expect(throws: InvalidField.self) {
                try self.update {
                    $0.status = .succeeded
                    $0.stepTimeoutInMinutes = minutes
                }.validate()
            }
        }
    }

    @Test func otherTimeoutsAreOneToTenThousandEighty() throws {
        let thing = try ThingName("t")
        for minutes in [1, 10_080] as [Int64] {
            try StartNextPendingJobExecutionRequest(thingName: thing, stepTimeoutInMinutes: minutes).validate()
            try job { $0.inProgressTimeoutInMinutes = minutes }.validate()
        }
        for minutes in [Int64.min, -1, 0, 10_081, .max] {
            #expect(throws: InvalidField.self) {
                try StartNextPendingJobExecutionRequest(thingName: thing, stepTimeoutInMinutes: minutes).validate()
            }
            #expect(throws: InvalidField.self) { try self.job { $0.inProgressTimeoutInMinutes = minutes }.validate() }
        }
    }

    @Test func executionNumberIsAtLeastOne() throws {
        for number in [1, Int64.max] { try update { $0.executionNumber = number }.validate() }
        for number in [Int64.min, -1, 0] {
            #expect(throws: InvalidField.self) { try self.update { $0.executionNumber = number }.validate() }
        }
    }

    @Test func executionNumberCannotBeGivenWithNext() throws {
        let thing = try ThingName("t")
        try DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing).validate()
        #expect(throws: InvalidField.self) {
            try DescribeOwnJobExecutionRequest(jobId: nil, thingName: thing, executionNumber: 1).validate()
        }
    }

    @Test func pageHasOneToTwoHundredFiftyResults() throws {
        let thing = try ThingName("t")
        for count in [nil, 1, 249, 250] as [UInt32?] {
            try GetPendingJobExecutionsRequest(thingName: thing, maxResults: count).validate()
            try ListJobExecutionsForThingRequest(thingName: thing, maxResults: count).validate()
        }
        for count in [0, 251, .max] as [UInt32] {
            #expect(throws: InvalidField.self) {
                try GetPendingJobExecutionsRequest(thingName: thing, maxResults: count).validate()
            }
            #expect(throws: InvalidField.self) {
                try ListJobExecutionsForJobRequest(jobId: try JobId("j"), maxResults: count).validate()
            }
        }
    }

    @Test func documentHasOneToThirtyTwoThousandBytes() throws {
        for count in [1, 32_767, 32_768] { try job { $0.document = self.text(count) }.validate() }
        for count in [0, 32_769] {
            #expect(throws: InvalidField.self) { try self.job { $0.document = self.text(count) }.validate() }
        }
        // Bytes of UTF-8, not characters.
        #expect(throws: InvalidField.self) {
            try self.job { $0.document = String(repeating: "é", count: 16_385) }.validate()
        }
    }

    @Test func descriptionHasUpToTwoThousandTwentyEightScalars() throws {
        for count in [0, 1, 2027, 2028] { try job { $0.description = String(repeating: "é", count: count) }.validate() }
        #expect(throws: InvalidField.self) {
            try self.job { $0.description = String(repeating: "é", count: 2029) }.validate()
        }
    }

    @Test func targetCountIsOneToAMillionAndNotLessThanTheTargets() throws {
        for count in [1, 1_000_000] as [UInt32] { try job { $0.targetCount = count }.validate() }
        for count in [0, 1_000_001, .max] as [UInt32] {
            #expect(throws: InvalidField.self) { try self.job { $0.targetCount = count }.validate() }
        }
        let two = try [ThingName("a"), ThingName("b")]
        #expect(throws: InvalidField.self) { try self.job { $0.targets = two }.validate() }
        #expect(throws: InvalidField.self) {
            try AddJobTargetsRequest(jobId: try JobId("j"), targetOffset: 0, targets: []).validate()
        }
    }

    private func text(_ count: Int) -> String { String(repeating: "a", count: count) }

    private func update(_ change: (inout UpdateJobExecutionRequest) -> Void) throws -> UpdateJobExecutionRequest {
        var request = UpdateJobExecutionRequest(
            jobId: try JobId("j"), thingName: try ThingName("t"), status: .inProgress)
        change(&request)
        return request
    }

    private func job(_ change: (inout CreateJobRequest) -> Void) throws -> CreateJobRequest {
        var request = CreateJobRequest(
            jobId: try JobId("j"), document: "{}", targetCount: 1, targets: [try ThingName("t")])
        change(&request)
        return request
    }
}
