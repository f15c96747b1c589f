/// How many rows a checkpoint writes in one transaction: as many as take about a millisecond, since a group that has
/// gathered meanwhile waits for them.
struct SlicePace {
    private(set) var rowCount = 64
    private var rowCounts = 16...512

    private static let wanted = Duration.milliseconds(1)

    init() {}

    /// Always so many.
    init(rowCount: Int) {
        self.rowCount = rowCount
        rowCounts = rowCount...rowCount
    }

    mutating func note(rowCount: Int, took duration: Duration) {
        guard rowCount > 0 else { return }
        let next =
            if duration > Self.wanted * 2 {
                self.rowCount / 2
            } else if duration > Self.wanted {
                self.rowCount * 3 / 4
            } else if rowCount >= self.rowCount, duration < Self.wanted / 2 {
                self.rowCount * 3 / 2
            } else {
                self.rowCount
            }
        self.rowCount = min(max(next, rowCounts.lowerBound), rowCounts.upperBound)
    }
}
