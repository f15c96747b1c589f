import ArgumentParser
import Dispatch
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Glibc

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve describes until standard input closes.")

    @Option var port = 0

    func run() async throws {
        try Peer.refuseDebugBuild()
        let server = GRPCServer(
            transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext),
            services: [DescribeService()])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            group.addTask {
                guard let address = try await server.listeningAddress?.ipv4 else { return }
                print("grpc-swift: serving on 127.0.0.1:\(address.port)")
                fflush(nil)
                await Self.standardInputEnd()
                server.beginGracefulShutdown()
            }
            try await group.waitForAll()
        }
    }

    private static func standardInputEnd() async {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "standard-input").async {
                var byte: UInt8 = 0
                while read(STDIN_FILENO, &byte, 1) > 0 {}
                continuation.resume()
            }
        }
    }
}

/// Looks the execution up among 100,000 and answers with all of it.
struct DescribeService: RegistrableRPCService {
    static let method = MethodDescriptor(fullyQualifiedService: "errand.JobExecutions", method: "Describe")

    private let executions: [String: JobExecution]

    init() {
        executions = Dictionary(
            uniqueKeysWithValues: (0..<Fleet.thingCount).map { index in
                let name = Fleet.thingName(index)
                return (name, JobExecution.sample(jobId: Fleet.jobId, thingName: name))
            })
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: Self.method, deserializer: RequestCoder(), serializer: ExecutionCoder()
        ) { request, _ in
            let single = try await ServerRequest(stream: request)
            guard let execution = executions[single.message.thingName] else {
                throw RPCError(code: .notFound, message: "no execution of \(single.message.thingName)")
            }
            return StreamingServerResponse(single: ServerResponse(message: execution))
        }
    }
}
