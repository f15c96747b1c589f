import ArgumentParser
import ErrandClient
import ErrandServer
import Glibc

if CommandLine.arguments.contains("serve") {
    var configuration = ServerConfiguration()
    configuration.port = UInt16(CommandLine.arguments.last ?? "0") ?? 0
    let server = try JobExecutionServer.start(configuration)
    print("errand: serving on \(server.address)")
    fflush(nil)
    try await Task.sleep(for: .seconds(3600))
} else {
    let command = try BenchCommand.parse(Array(CommandLine.arguments.dropFirst(2)))
    try await command.run()
}
