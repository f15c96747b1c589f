package import ErrandCore

/// Why a connection ends (SPEC §11); the raw value is the reason on the wire.
package enum ConnectionFault: UInt16, Error, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    case badMagic = 1
    case tlsOnPlaintext = 2
    case httpOnPlaintext = 3
    case unsupportedVersion = 4
    case featureUnknown = 5
    case credentialRefused = 6
    case handshakeTimeout = 7
    case segmentHeaderCorrupt = 8
    case segmentFlagsUnknown = 9
    case segmentTooLarge = 10
    case segmentLengthInvalid = 11
    case segmentChecksumMismatch = 12
    case compressionNotAgreed = 13
    case compressionCorrupt = 14
    case compressionTruncated = 15
    case compressionLengthMismatch = 16
    case compressionTrailingBytes = 17
    case frameOverrunsSegment = 18
    case frameFlagsUnknown = 19
    case frameUnexpected = 20
    case controlMalformed = 21
    case requestIdNotRising = 22
    case windowExceeded = 23
    case controlFlood = 24
    case segmentTimeout = 25
    case idleTimeout = 26
    case slowReader = 27
    case unrequestedReply = 28
    case connectionLimit = 29

    /// The name in SPEC §11.
    package var description: String {
        switch self {
        case .badMagic: "BAD_MAGIC"
        case .tlsOnPlaintext: "TLS_ON_PLAINTEXT"
        case .httpOnPlaintext: "HTTP_ON_PLAINTEXT"
        case .unsupportedVersion: "UNSUPPORTED_VERSION"
        case .featureUnknown: "FEATURE_UNKNOWN"
        case .credentialRefused: "CREDENTIAL_REFUSED"
        case .handshakeTimeout: "HANDSHAKE_TIMEOUT"
        case .segmentHeaderCorrupt: "SEGMENT_HEADER_CORRUPT"
        case .segmentFlagsUnknown: "SEGMENT_FLAGS_UNKNOWN"
        case .segmentTooLarge: "SEGMENT_TOO_LARGE"
        case .segmentLengthInvalid: "SEGMENT_LENGTH_INVALID"
        case .segmentChecksumMismatch: "SEGMENT_CHECKSUM_MISMATCH"
        case .compressionNotAgreed: "COMPRESSION_NOT_AGREED"
        case .compressionCorrupt: "COMPRESSION_CORRUPT"
        case .compressionTruncated: "COMPRESSION_TRUNCATED"
        case .compressionLengthMismatch: "COMPRESSION_LENGTH_MISMATCH"
        case .compressionTrailingBytes: "COMPRESSION_TRAILING_BYTES"
        case .frameOverrunsSegment: "FRAME_OVERRUNS_SEGMENT"
        case .frameFlagsUnknown: "FRAME_FLAGS_UNKNOWN"
        case .frameUnexpected: "FRAME_UNEXPECTED"
        case .controlMalformed: "CONTROL_MALFORMED"
        case .requestIdNotRising: "REQUEST_ID_NOT_RISING"
        case .windowExceeded: "WINDOW_EXCEEDED"
        case .controlFlood: "CONTROL_FLOOD"
        case .segmentTimeout: "SEGMENT_TIMEOUT"
        case .idleTimeout: "IDLE_TIMEOUT"
        case .slowReader: "SLOW_READER"
        case .unrequestedReply: "UNREQUESTED_REPLY"
        case .connectionLimit: "CONNECTION_LIMIT"
        }
    }

    /// The status that CONNECTION_ERROR carries with this reason.
    package var status: StatusCode {
        switch self {
        case .credentialRefused: .unauthenticated
        case .windowExceeded, .controlFlood, .slowReader: .resourceExhausted
        case .idleTimeout, .connectionLimit: .unavailable
        default: .protocolError
        }
    }

    /// What to tell the people at the other end.
    package var advice: String {
        switch self {
        case .tlsOnPlaintext: "this port speaks Errand without TLS; connect without TLS"
        case .httpOnPlaintext: "this port speaks Errand, not HTTP"
        case .badMagic: "the first bytes are not Errand's magic"
        case .unsupportedVersion: "this server speaks version \(WireLimits.version)"
        case .windowExceeded: "more unanswered calls or bytes than WELCOME allows"
        case .slowReader: "replies waited too long to be read"
        case .connectionLimit: "the server has all the connections it takes; try again later"
        default: description
        }
    }
}
