/// An execution's row where SQLite has it, for the time of one step.
struct ExecutionRowSpan: ~Escapable {
    let job: Int64
    let position: Int64
    let isFinished: Bool
    let finishedAtMilliseconds: Int64
    let thing: RawSpan
    let body: RawSpan

    @_lifetime(copy thing, copy body)
    init(
        job: Int64, position: Int64, isFinished: Bool, finishedAtMilliseconds: Int64, thing: RawSpan, body: RawSpan
    ) {
        self.job = job
        self.position = position
        self.isFinished = isFinished
        self.finishedAtMilliseconds = finishedAtMilliseconds
        self.thing = thing
        self.body = body
    }

    var row: ExecutionRow {
        ExecutionRow(
            job: job, position: position, thing: thing.withUnsafeBytes { String(decoding: $0, as: UTF8.self) },
            isFinished: isFinished, finishedAtMilliseconds: finishedAtMilliseconds)
    }

    /// All numbers at once, and the thing's length with them, so that bytes cannot move between a text and what follows it.
    var checksum: Int64 {
        let key: InlineArray<5, Int64> = [
            job.littleEndian, position.littleEndian, (isFinished ? 1 : 0 as Int64).littleEndian,
            finishedAtMilliseconds.littleEndian, Int64(thing.byteCount).littleEndian,
        ]
        var checksum = RowChecksum()
        checksum.add(key.span.bytes)
        checksum.add(thing)
        checksum.add(body)
        return checksum.value
    }
}
