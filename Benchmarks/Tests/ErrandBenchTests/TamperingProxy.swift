import Foundation
import Glibc

@testable import errand_bench

/// Stands between a load and a server and, from the second connection on, changes one byte of what the server sends: the
/// last digit of the first thing name. The first connection is the one that fills the server.
final class TamperingProxy: Sendable {
    let port: Int
    private let listener: Int32
    private static let marker = Array("press-line-1".utf8)
    private static let nameByteCount = 18

    init(serverPort: Int, tampers: Bool) throws {
        (listener, port) = try Self.listen()
        let listener = listener
        Thread.detachNewThread {
            var connectionCount = 0
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let server = Self.connect(serverPort) else { return }
                let index = connectionCount
                connectionCount += 1
                Thread.detachNewThread { Self.copy(from: client, to: server, tampers: false) }
                Thread.detachNewThread { Self.copy(from: server, to: client, tampers: tampers && index > 0) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func copy(from source: Int32, to target: Int32, tampers: Bool) {
        var bytes = [UInt8](repeating: 0, count: 65_536), isDone = !tampers
        while true {
            let count = read(source, &bytes, bytes.count)
            guard count > 0 else { break }
            if !isDone { isDone = tamper(with: &bytes, count) }
            var sent = 0
            while sent < count {
                let written = bytes.withUnsafeBytes { write(target, $0.baseAddress?.advanced(by: sent), count - sent) }
                guard written > 0 else { return }
                sent += written
            }
        }
        shutdown(target, Int32(SHUT_WR))
    }

    private static func tamper(with bytes: inout [UInt8], _ count: Int) -> Bool {
        for start in 0..<max(0, count - nameByteCount) where bytes[start..<start + marker.count].elementsEqual(marker) {
            bytes[start + nameByteCount - 1] ^= 1
            return true
        }
        return false
    }

    private static func listen() throws -> (descriptor: Int32, port: Int) {
        let port = try Tools.freePort()
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard withAddress(port, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 64) == 0 else {
            throw BenchmarkFailure("the proxy cannot listen")
        }
        return (descriptor, port)
    }

    private static func connect(_ port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        return withAddress(port, { Glibc.connect(descriptor, $0, $1) }) == 0 ? descriptor : nil
    }

    private static func withAddress(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
