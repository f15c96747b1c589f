import Logging

/// The server's log: swift-log's lines with time stamps on standard error, made safe for a terminal.
enum ServerLog {
    static func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "errand") { EscapingLogHandler(StreamLogHandler.standardError(label: $0)) }
        logger.logLevel = level
        return logger
    }

    static func level(_ text: String) throws(BadArgument) -> Logger.Level {
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            throw BadArgument(
                "'\(text)' is not one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return level
    }
}

/// Escapes what peers may have written, so that no line of the log can pretend to be another.
struct EscapingLogHandler<Base: LogHandler>: LogHandler {
    private var base: Base

    init(_ base: Base) {
        self.base = base
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(EscapedText.line(event.message.description))"
        event.metadata = event.metadata?.mapValues { .string(EscapedText.line($0.description)) }
        base.log(event: event)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }
}
