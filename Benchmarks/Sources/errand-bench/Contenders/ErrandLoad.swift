/// The load on an Errand server: describes of 100,000 distinct executions, random keys, in a closed loop.
///
/// Not written yet, and says so before a server is started. It is to be a program of its own beside `floor-load`, which
/// creates the executions, takes `LoadShape.arguments` and prints a `LoadResult`: then its memory and its
/// threads are not mixed with this program's, and both sides are measured alike.
struct ErrandLoad {
    let shape: LoadShape

    init(shape: LoadShape) throws(NotMeasuredYet) {
        throw NotMeasuredYet("the load generator against Errand is not written")
    }

    func run(port: Int, with bench: Bench) throws -> LoadResult {
        throw NotMeasuredYet("the load generator against Errand is not written")
    }
}
