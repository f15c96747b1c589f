import ErrandClient
import Foundation
import Glibc

/// Reads what the server has done so far, from outside: its own count of calls, its CPU time, what is counted in it.
final class ServerProbe {
    struct Sample {
        let calls: Double
        let cpuSeconds: Double
        let counts: [Double]
    }

    private let client: JobExecutionClient
    private let pid: pid_t
    private let page: CountPage?

    /// Connects now, so that a sample costs the server one call and nothing else.
    init(port: Int, pid: pid_t, page: CountPage?) throws {
        self.pid = pid
        self.page = page
        client = try Blocking.run { try await JobExecutionClient.connect(host: "127.0.0.1", port: port) }
    }

    func close() { client.close() }

    func sample() throws -> Sample {
        let info = try Blocking.run { [client] in try await client.serverInfo() }
        return Sample(
            calls: Double(info.callCount), cpuSeconds: try Self.cpuSeconds(of: pid), counts: page?.read(3) ?? [])
    }

    /// User and system time, in ticks of 10 ms.
    static func cpuSeconds(of pid: pid_t) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // The second column is the name in parentheses and may hold anything.
        guard let end = text.lastIndex(of: ")") else { throw BenchmarkFailure("/proc/\(pid)/stat has another form") }
        let columns = text[end...].split(separator: " ")
        guard columns.count > 13, let user = Double(columns[12]), let system = Double(columns[13]) else {
            throw BenchmarkFailure("/proc/\(pid)/stat has another form")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// Waits for asynchronous work from this program's one thread, which has nothing else to do meanwhile.
enum Blocking {
    private final class Box<Value>: @unchecked Sendable {
        // Written before the semaphore is signalled and read after it was waited for.
        var result: Result<Value, any Error>?
    }

    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let box = Box<Value>(), done = DispatchSemaphore(value: 0)
        Task.detached {
            do {
                box.result = .success(try await body())
            } catch {
                box.result = .failure(error)
            }
            done.signal()
        }
        done.wait()
        guard let result = box.result else { throw BenchmarkFailure("nothing came back") }
        return try result.get()
    }
}
