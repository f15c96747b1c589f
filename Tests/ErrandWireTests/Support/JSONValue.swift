/// A value of a vector file.
enum JSONValue: Equatable, Sendable {
    case object([String: JSONValue])
    case array([JSONValue])
    case text(String)
    case number(Int)
    case bool(Bool)
    case null

    subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var number: Int? { if case .number(let number) = self { number } else { nil } }
    var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
    var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }
    var object: [String: JSONValue]? { if case .object(let object) = self { object } else { nil } }
}

/// A strict parser of JSON with whole numbers. The vectors also use it to decide whether a job's document is JSON,
/// so that the answer does not come from the parser that the server uses.
struct JSONParser {
    struct Fault: Error {
        var offset: Int
    }

    private let bytes: [UInt8]
    private var offset = 0

    static func parse(_ text: [UInt8]) throws(Fault) -> JSONValue {
        var parser = JSONParser(bytes: text)
        let value = try parser.value()
        parser.skipSpaces()
        guard parser.offset == text.count else { throw Fault(offset: parser.offset) }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpaces() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { offset += 1 }
    }

    private mutating func expect(_ text: String) throws(Fault) {
        for byte in text.utf8 {
            guard next == byte else { throw Fault(offset: offset) }
            offset += 1
        }
    }

    private mutating func value() throws(Fault) -> JSONValue {
        skipSpaces()
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        default: return .number(try number())
        }
    }

    private mutating func object() throws(Fault) -> JSONValue {
        var members: [String: JSONValue] = [:]
        try expect("{")
        skipSpaces()
        while next != UInt8(ascii: "}") {
            skipSpaces()
            let key = try string()
            skipSpaces()
            try expect(":")
            members[key] = try value()
            skipSpaces()
            guard next == UInt8(ascii: ",") else { break }
            offset += 1
        }
        try expect("}")
        return .object(members)
    }

    private mutating func array() throws(Fault) -> JSONValue {
        var elements: [JSONValue] = []
        try expect("[")
        skipSpaces()
        while next != UInt8(ascii: "]") {
            elements.append(try value())
            skipSpaces()
            guard next == UInt8(ascii: ",") else { break }
            offset += 1
        }
        try expect("]")
        return .array(elements)
    }

    private mutating func number() throws(Fault) -> Int {
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        guard let number = Int(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
            throw Fault(offset: start)
        }
        return number
    }

    private mutating func string() throws(Fault) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            offset += 1
            guard byte >= 0x20 else { throw Fault(offset: offset) }
            if byte == UInt8(ascii: "\\") { text += try escape() } else { text.append(byte) }
        }
        try expect("\"")
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() throws(Fault) -> [UInt8] {
        guard let byte = next else { throw Fault(offset: offset) }
        offset += 1
        let simple: [Character: UInt8] = [
            "n": 0x0A, "t": 0x09, "r": 0x0D, "b": 0x08, "f": 0x0C, "\"": 0x22, "\\": 0x5C, "/": 0x2F,
        ]
        if let plain = simple[Character(UnicodeScalar(byte))] { return [plain] }
        guard byte == UInt8(ascii: "u") else { throw Fault(offset: offset) }
        var units = [try hexUnit()]
        if UTF16.isLeadSurrogate(units[0]) {
            try expect("\\u")
            units.append(try hexUnit())
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private mutating func hexUnit() throws(Fault) -> UInt16 {
        guard offset + 4 <= bytes.count,
            let unit = UInt16(String(decoding: bytes[offset..<(offset + 4)], as: UTF8.self), radix: 16)
        else { throw Fault(offset: offset) }
        offset += 4
        return unit
    }
}
