/// Writes JSON in the order given, on one line.
struct JSONWriter {
    private(set) var text = ""
    private var needsComma = false

    /// What has been written since the last time, for a long list that is printed as it grows.
    mutating func take() -> String {
        defer { text.removeAll(keepingCapacity: true) }
        return text
    }

    mutating func object(_ body: (inout JSONWriter) -> Void) {
        enclose("{", "}", body)
    }

    mutating func array(_ body: (inout JSONWriter) -> Void) {
        enclose("[", "]", body)
    }

    mutating func beginObject() { open("{") }
    mutating func endObject() { close("}") }
    mutating func beginArray() { open("[") }
    mutating func endArray() { close("]") }

    private mutating func enclose(_ opening: String, _ closing: String, _ body: (inout JSONWriter) -> Void) {
        open(opening)
        body(&self)
        close(closing)
    }

    private mutating func open(_ bracket: String) {
        separate()
        text += bracket
        needsComma = false
    }

    private mutating func close(_ bracket: String) {
        text += bracket
        needsComma = true
    }

    mutating func key(_ name: String) {
        separate()
        appendQuoted(name)
        text += ":"
        needsComma = false
    }

    mutating func value(_ value: some BinaryInteger) { appendRaw(String(value)) }
    mutating func value(_ value: Bool) { appendRaw(value ? "true" : "false") }

    mutating func value(_ value: String) {
        separate()
        appendQuoted(value)
        needsComma = true
    }

    /// Milliseconds as seconds, exactly: a binary fraction would print noise.
    mutating func seconds(fromMilliseconds milliseconds: Int64) { appendRaw(Seconds.exact(milliseconds)) }

    // MARK: Members; one without a value is left out

    mutating func member(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ value: Bool) {
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, secondsFromMilliseconds milliseconds: Int64?) {
        guard let milliseconds else { return }
        key(name)
        seconds(fromMilliseconds: milliseconds)
    }

    mutating func member(_ name: String, decimal value: UInt32, places: Int) {
        key(name)
        appendRaw(FixedPoint.text(value, places: places))
    }

    private mutating func appendRaw(_ token: String) {
        separate()
        text += token
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { text += "," }
    }

    private mutating func appendQuoted(_ value: String) {
        text += "\""
        defer { text += "\"" }
        if value.utf8.allSatisfy(Self.isPlain) {
            text += value
            return
        }
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where !scalar.isPrintable:
                // Also what JSON would allow as it is: the output may go to a terminal.
                for unit in String(scalar).utf16 { text += "\\u" + Self.fourDigits(unit) }
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    /// Whether a byte stands for itself: most texts are names, and a list may have millions of them.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func fourDigits(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

/// Whole milliseconds as seconds with three decimals.
enum Seconds {
    static func exact(_ milliseconds: Int64) -> String {
        let magnitude = milliseconds.magnitude
        let fraction = String(magnitude % 1000)
        let zeros = String(repeating: "0", count: 3 - fraction.count)
        return "\(milliseconds < 0 ? "-" : "")\(magnitude / 1000).\(zeros)\(fraction)"
    }
}
