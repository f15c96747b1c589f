import ErrandCore
import Testing

/// The grammar of RFC 8259, byte by byte; the traps are those of the usual JSON test suites.
@Suite(.timeLimit(.minutes(1)))
struct JSONTextTests {
    @Test(arguments: [
        "{}", "[]", "0", "-0", "1e999", "-1E-999", "1.5e+3", "123456789012345678901234567890", "true", "false", "null",
        "\"\"", " \t\r\n[ ] \t\r\n", "[[],{}]", "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":\"\"}",
        "{ \"a\" : 1 , \"\" : [ ] }",
        #""\ud800""#, #""\uDFFF\uABcd\"\\\/\b\f\n\r\t""#, "\"\u{7F}\u{80}\u{2028}\u{FEFF}\u{1F600}\u{10FFFF}\"",
        "[0,-1,0.0,0e0]",
        #""\u0000""#, "\"//\"",
    ])
    func isJSON(_ text: String) throws {
        try JSONText.check(text)
    }

    @Test(arguments: [
        ("", 0), (" ", 1), ("{\"a\":1,}", 7), ("[1,]", 3), ("[,1]", 1), ("[1,,2]", 3), ("{,}", 1), ("{\"a\"}", 4),
        ("{\"a\":}", 5), ("{a:1}", 1), ("{'a':1}", 1), ("{1:1}", 1), ("{\"a\" 1}", 5), ("{\"a\":1 \"b\":2}", 7),
        ("[1 2]", 3), ("[1}", 2), ("{\"a\":1]", 6), ("]", 0), ("}", 0), ("[", 1), ("{", 1), ("[1", 2), ("[1,", 3),
        ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\":1", 6), ("{\"a\":1,", 7), ("\u{FEFF}{}", 0), ("{}\u{FEFF}", 2),
        ("{}x", 2), ("{}{}", 2), ("1 2", 2),
        ("[]]", 2), ("{}}", 2), ("null\u{0}", 4), ("\u{0}", 0), ("[\u{C}]", 1), ("[\u{A0}1]", 1), ("[\u{2028}1]", 1),
        ("//\n1", 0), ("1/**/", 1), ("#", 0), ("undefined", 0), ("NaN", 0), ("Infinity", 0), ("-Infinity", 1),
        ("True", 0), ("tru", 3), ("truE", 3), ("truer", 4), ("nul", 3), ("fals ", 4), ("-", 1), ("--1", 1), ("+1", 0),
        ("1.", 2), ("1.e1", 2), (".5", 0), ("-.5", 1), ("01", 1), ("-01", 2), ("00", 1), ("1e", 2), ("1e+", 3),
        ("1e+-1", 3),
        ("1.5.5", 3), ("0x1", 1), ("1_000", 1), ("1e1.5", 3), ("\u{FF11}", 0), ("\"", 1), ("\"a", 2), ("\"\\", 2),
        ("\"\\\"", 3), ("'a'", 0),
        ("\"\n\"", 1), ("\"\t\"", 1), ("\"\u{0}\"", 1), ("\"a\u{1F}\"", 2), (#""\x41""#, 2), (#""\a""#, 2),
        (#""\u12""#, 5),
        (#""\u12G4""#, 5), (#""\u"#, 3), (#""\U0041""#, 2), (#""\ud800\u""#, 9), ("\"\\\u{E9}\"", 2), ("\"a\"b", 3),
        ("\"a\":1", 3),
    ])
    func isNotJSON(_ text: String, _ offset: Int) {
        let fault = #expect(throws: JSONText.Fault.self, "\(text)") { try JSONText.check(text) }
        #expect(fault?.offset == offset, "\(text)")
    }

    @Test func nestingHasALimit() throws {
        let limit = FieldLimits.jobDocumentDepthMax
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[[],", "]")] {
            func nested(_ depth: Int) -> String {
                String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            }
            for depth in [1, limit - 1] { try JSONText.check(nested(depth)) }
            #expect(throws: JSONText.Fault.self) { try JSONText.check(nested(limit + 1)) }
            #expect(throws: JSONText.Fault.self) { try JSONText.check(nested(10_000)) }
        }
        let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        try JSONText.check(deepest)
        let fault = #expect(throws: JSONText.Fault.self) { try JSONText.check("[" + deepest + "]") }
        #expect(fault?.offset == limit)
        #expect(fault?.description == "at byte 512 it should have no further level: 512 is the limit")
        // Open only, which a recursive reader would pay for with its stack.
        #expect(throws: JSONText.Fault.self) { try JSONText.check(String(repeating: "[", count: 32_768)) }
    }

    @Test func saysWhereAndWhatWasExpected() {
        let fault = #expect(throws: JSONText.Fault.self) { try JSONText.check("{\"a\":1;}") }
        #expect(fault?.description == "at byte 6 it should have ',' or '}'")
    }

    @Test func everyPrefixOfAnObjectIsRefused() throws {
        let text = #"{"a":[true,-1.5e3,"\u00e9\n"],"b":{}}"#
        try JSONText.check(text)
        for count in 0..<text.utf8.count {
            #expect(throws: JSONText.Fault.self, "\(count)") { try JSONText.check(String(text.prefix(count))) }
        }
    }
}
