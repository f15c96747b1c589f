/// The real server binary, and a load on it.
struct ErrandContender: Contender {
    let name = "errand"

    func measure(_ shape: LoadShape, with bench: Bench) throws -> LoadResult {
        let load = ErrandLoad(shape: shape)
        let server = try bench.start(.errand, ["serve", "--memory", "--listen", "127.0.0.1:0"])
        let port = try server.servingPort(after: "errand: serving on 127.0.0.1:", withinSeconds: 30)
        let result = try load.run(port: port, with: bench)
        try server.terminate(withinSeconds: 20)
        return result
    }
}
