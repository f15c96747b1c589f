/// Where a server listens: `HOST:PORT`, an IPv6 address in brackets.
struct HostPort: Equatable, CustomStringConvertible {
    let host: String
    let port: UInt16

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    init(_ text: String) throws(BadArgument) {
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw BadArgument("'\(text)' lacks the closing bracket") }
            host = text[text.index(after: text.startIndex)..<close]
            rest = text[text.index(after: close)...]
            guard host.contains(":") else { throw BadArgument("'\(text)' has no IPv6 address in its brackets") }
        } else {
            guard let colon = text.lastIndex(of: ":") else { throw BadArgument("'\(text)' is not HOST:PORT") }
            host = text[..<colon]
            rest = text[colon...]
            guard !host.contains(":") else {
                throw BadArgument("'\(text)' is ambiguous: put an IPv6 address in brackets, as in [::1]:5740")
            }
        }
        let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard !host.isEmpty, isPlain else { throw BadArgument("'\(text)' has no host; write HOST:PORT") }
        let digits = rest.dropFirst()
        guard rest.first == ":", !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }),
            let port = UInt16(digits)
        else { throw BadArgument("'\(text)' has no port from 0 to 65535; write HOST:PORT") }
        self.host = String(host)
        self.port = port
    }

    /// Where a client can connect to: not to port 0.
    static func ofServer(_ text: String) throws(BadArgument) -> HostPort {
        let address = try HostPort(text)
        guard address.port > 0 else { throw BadArgument("'\(text)': nobody serves on port 0") }
        return address
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why an argument cannot be used, for people.
struct BadArgument: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
