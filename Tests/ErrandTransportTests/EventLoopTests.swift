import ErrandTestSupport
import Synchronization
import Testing

@testable import ErrandTransport

@Suite(.ownThreads, .timeLimit(.minutes(1)))
struct EventLoopTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop(label: "test.loop")
    }

    @Test func workRunsInTheOrderPosted() async {
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for number in 0..<10_000 {
                loop.post { seen.withLock { $0.append(number) } }
            }
            loop.post { continuation.resume() }
        }
        #expect(seen.withLock { $0 } == Array(0..<10_000))
        loop.stop()
    }

    /// Eight threads wake a loop that keeps falling asleep: a lost wake-up would leave work behind.
    @Test func noWakeUpIsLost() async {
        let ran = Counter()
        for _ in 0..<50 {
            let before = ran.value
            await withTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask { [loop] in
                        for _ in 0..<20 { loop.post { ran.add() } }
                    }
                }
            }
            #expect(await eventually { ran.value == before + 160 })
        }
        loop.stop()
    }

    @Test func jobsOfTheExecutorRunOnTheLoop() async {
        let loop = loop
        let wasOnLoop = await withTaskExecutorPreference(loop) { () -> Bool in
            var all = loop.isOnLoop
            for _ in 0..<100 {
                await Task.yield()
                all = all && loop.isOnLoop
            }
            return all
        }
        #expect(wasOnLoop)
        #expect(!loop.isOnLoop)
        loop.stop()
    }

    @Test func workPostedFromTheLoopRunsToo() async {
        let loop = loop
        let depth = Counter()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            @Sendable func again() {
                if depth.add() == 5000 { continuation.resume() } else { loop.post { again() } }
            }
            loop.post { again() }
        }
        #expect(depth.value == 5000)
        loop.stop()
    }

    @Test func aTimerFiresOnTheLoopAndTheLastScheduleCounts() async {
        let loop = loop
        let firings = Counter()
        let onLoop = Counter()
        let timer = loop.makeTimer {
            firings.add()
            if loop.isOnLoop { onLoop.add() }
        }
        timer.schedule(afterMilliseconds: 60_000)
        timer.schedule(afterMilliseconds: 1)
        #expect(await eventually { firings.value == 1 })
        timer.schedule(afterMilliseconds: 0)
        #expect(await eventually { firings.value == 2 })
        #expect(onLoop.value == 2)
        loop.stop()
    }

    /// What a timer posts to its own loop must not wait for the next event from outside.
    @Test func workPostedByATimerRunsWithoutAnotherEvent() async {
        let loop = loop
        let ran = Counter()
        let timer = loop.makeTimer { loop.post { ran.add() } }
        timer.schedule(afterMilliseconds: 1)
        #expect(await eventually { ran.value == 1 })
        loop.stop()
    }

    /// Asked from outside, from the loop and from a timer: it runs once each time, on the loop, without another event.
    @Test func workBeforeLeavingRunsOnceAndSoon() async {
        let loop = loop
        let ran = Counter()
        let onLoop = Counter()
        let note: @Sendable () -> Void = {
            ran.add()
            if loop.isOnLoop { onLoop.add() }
        }
        loop.beforeLeaving(note)
        #expect(await eventually { ran.value == 1 })
        loop.post { loop.beforeLeaving(note) }
        #expect(await eventually { ran.value == 2 })
        let timer = loop.makeTimer { loop.beforeLeaving(note) }
        timer.schedule(afterMilliseconds: 1)
        #expect(await eventually { ran.value == 3 })
        // What it posts to its own loop does not wait for an event either, nor does what is asked at the end.
        loop.beforeLeaving { loop.post(note) }
        #expect(await eventually { ran.value == 4 })
        loop.stop()
        loop.beforeLeaving(note)
        #expect(await eventually { ran.value == 5 })
        #expect(onLoop.value == 5)
    }

    /// A task that prefers the loop must go on after `stop`, or its owner would wait for ever.
    @Test func tasksGoOnAfterTheLoopHasStopped() async {
        let loop = loop
        let steps = await withTaskExecutorPreference(loop) { () -> Int in
            loop.stop()
            var steps = 0
            for _ in 0..<100 {
                await Task.yield()
                steps += 1
            }
            return steps
        }
        #expect(steps == 100)
        let late = await withTaskExecutorPreference(loop) { 7 }
        #expect(late == 7)
        await withCheckedContinuation { continuation in loop.post { continuation.resume() } }
    }

    @Test func aStoppedLoopGoesAwayWithItsDescriptors() async throws {
        weak var gone: EventLoop?
        do {
            let loop = try EventLoop(label: "test.loop.short")
            gone = loop
            await withCheckedContinuation { continuation in loop.post { continuation.resume() } }
            loop.stop()
            loop.stop()
        }
        #expect(await eventually { gone == nil })
        loop.stop()
    }

    @Test func stopWaitsForHandlersWithinItsGrace() async throws {
        let clock = ManualClock()
        let loop = try EventLoop(label: "test.loop.grace") { clock.nowMilliseconds }
        let (mine, other) = try socketPair()
        let handler = Recorder()
        let connection = Connection(SocketHandle(mine), loop: loop)
        try await loop.run { () throws(SystemError) in try connection.start(handler) }
        loop.stop(graceMilliseconds: 5000)
        await loop.run {}
        #expect(handler.end == nil)
        clock.advance(byMilliseconds: 5000)
        #expect(await eventually { handler.end != nil })
        other.close()
    }
}
