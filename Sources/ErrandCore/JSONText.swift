/// Checks that bytes are one JSON value (RFC 8259): the grammar and nothing else.
///
/// What the grammar leaves open is fine here too: a number of any size, a name that comes twice, `"\ud800"` alone. The
/// bytes are UTF-8, which their String has seen to. No recursion, so nesting costs a bit of memory and no stack.
package enum JSONText {
    /// The first byte that cannot stand where it stands.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let offset: Int
        package let expected: String

        package var description: String { "at byte \(offset) it should have \(expected)" }
    }

    package static func check(_ text: String, depthMax: Int = FieldLimits.jobDocumentDepthMax) throws(Fault) {
        var reader = JSONReader(bytes: Array(text.utf8), depthMax: depthMax)
        try reader.text()
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    let depthMax: Int
    var offset = 0
    /// The containers around `offset`, and whether each is an object.
    var containers: [Bool] = []

    init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    mutating func text() throws(JSONText.Fault) {
        repeat {
            skipSpace()
            if try !value() { continue }
            try closeContainers()
        } while !containers.isEmpty
        skipSpace()
        if offset < bytes.count { throw fault("ended") }
    }

    /// Reads a value, of a container only as far as its first value. Returns whether that was all of it.
    private mutating func value() throws(JSONText.Fault) -> Bool {
        guard let byte = next else { throw fault("a value") }
        switch byte {
        case UInt8(ascii: "{"): return try open(isObject: true)
        case UInt8(ascii: "["): return try open(isObject: false)
        case UInt8(ascii: "\""): try string("a value")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: throw fault("a value")
        }
        return true
    }

    /// Returns whether the container is empty and so closed again.
    private mutating func open(isObject: Bool) throws(JSONText.Fault) -> Bool {
        if containers.count == depthMax { throw fault("no further level: \(depthMax) is the limit") }
        offset += 1
        skipSpace()
        if take(isObject ? "}" : "]") { return true }
        containers.append(isObject)
        if isObject { try name("a name in quotes or '}'") }
        return false
    }

    /// After a value: closes what ends here, and goes to where the next value is to be, if there is one.
    private mutating func closeContainers() throws(JSONText.Fault) {
        while let isObject = containers.last {
            skipSpace()
            if take(",") {
                skipSpace()
                if isObject { try name("a name in quotes") }
                return
            }
            guard take(isObject ? "}" : "]") else { throw fault(isObject ? "',' or '}'" : "',' or ']'") }
            containers.removeLast()
        }
    }

    private mutating func name(_ expected: String) throws(JSONText.Fault) {
        try string(expected)
        skipSpace()
        guard take(":") else { throw fault("':'") }
    }

    private mutating func string(_ expected: String) throws(JSONText.Fault) {
        guard take("\"") else { throw fault(expected) }
        while !take("\"") {
            guard let byte = next else { throw fault("the end of a string") }
            guard byte >= 0x20 else { throw fault("an escape instead of a control character") }
            offset += 1
            if byte == UInt8(ascii: "\\") { try escape() }
        }
    }

    private mutating func escape() throws(JSONText.Fault) {
        guard let byte = next, "\"\\/bfnrtu".utf8.contains(byte) else { throw fault("one of \"\\/bfnrtu") }
        offset += 1
        guard byte == UInt8(ascii: "u") else { return }
        for _ in 0..<4 {
            guard let digit = next, Self.isHexadecimal(digit) else { throw fault("four hexadecimal digits") }
            offset += 1
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private mutating func number() throws(JSONText.Fault) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
    }

    private mutating func digits() throws(JSONText.Fault) {
        let start = offset
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { offset += 1 }
        if offset == start { throw fault("a digit") }
    }

    private mutating func literal(_ word: String) throws(JSONText.Fault) {
        for byte in word.utf8 {
            guard next == byte else { throw fault("the word \(word)") }
            offset += 1
        }
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func fault(_ expected: String) -> JSONText.Fault { JSONText.Fault(offset: offset, expected: expected) }
}
