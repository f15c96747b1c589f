import ErrandCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StatusDetailsTests {
    @Test func pairsKeepTheirOrderAndAreFoundByKey() throws {
        let details = try StatusDetails([(key: "b", value: "2"), (key: "a", value: "é")])
        #expect(details.pairs.map(\.key) == ["b", "a"])
        #expect(details["a"] == "é" && details["c"] == nil)
        #expect(details.dictionary == ["a": "é", "b": "2"])
        #expect(!details.isEmpty && StatusDetails().isEmpty)
    }

    @Test func orderDoesNotMatterForEquality() throws {
        let one = try StatusDetails([(key: "a", value: "1"), (key: "b", value: "2")])
        let other = try StatusDetails([(key: "b", value: "2"), (key: "a", value: "1")])
        #expect(one == other)
        #expect(try one != StatusDetails([(key: "a", value: "1")]))
        #expect(try one != StatusDetails([(key: "a", value: "1"), (key: "b", value: "3")]))
    }

    @Test func mergeKeepsOldKeysAndTakesNewValues() throws {
        let old = try StatusDetails([(key: "a", value: "1"), (key: "b", value: "2")])
        let new = try StatusDetails([(key: "b", value: "3"), (key: "c", value: "4")])
        #expect(try old.merging(new).dictionary == ["a": "1", "b": "3", "c": "4"])
        #expect(try old.merging(StatusDetails()) == old)
        #expect(try StatusDetails().merging(new) == new)
    }

    @Test func mergeCountsEachKeyOnceAgainstTheLimit() throws {
        let ten = try StatusDetails((0..<10).map { (key: "k\($0)", value: "v") })
        #expect(try ten.merging(ten).count == 10)
        #expect(throws: InvalidField.self) { try ten.merging(StatusDetails([(key: "other", value: "v")])) }
    }

    /// Texts are looked through eight bytes at a time: one wrong byte is found at every place of every length.
    @Test func everyByteOfATextIsLookedAt() throws {
        for length in 1...20 {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var text = [UInt8](repeating: UInt8(ascii: "~"), count: length)
                    text[place] = byte
                    let flat = [1, 0, UInt8(ascii: "k"), UInt8(length), 0] + text
                    let isTaken = (try? StatusDetails(checking: flat, count: 1)) != nil
                    let isReceived = (try? StatusDetails(received: flat, count: 1)) != nil
                    #expect(isTaken == (0x20...0x7E).contains(byte) && isReceived == (byte < 0x80))
                }
            }
        }
    }
}
