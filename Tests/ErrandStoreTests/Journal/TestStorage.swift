import Dispatch
import ErrandStore
import Synchronization

/// A storage in memory that fails, is full or waits when a test says so, and counts that it did.
final class TestStorage: GroupStorage {
    struct Group: Equatable {
        var first: UInt64
        var last: UInt64
        var records: [UInt8]
    }

    /// What tests see from their own thread.
    struct Report {
        var groups: [Group] = []
        var storedLast: UInt64 = 0
        var faultCount = 0
        var callCount = 0
        var isClosed = false
        /// The next calls' faults, the first one first.
        var faults: [StorageFault] = []
    }

    final class Control: Sendable {
        let report = Mutex(Report())
        /// Entered by each call, so that a test can hold the writer.
        let gate = DispatchSemaphore(value: 0)
        let arrived = DispatchSemaphore(value: 0)
        let isHolding = Atomic(false)
        let retries = Mutex<[@Sendable () -> Void]>([])
        let retried = DispatchSemaphore(value: 0)

        var groups: [Group] { report.withLock { $0.groups } }
        var storedLast: UInt64 { report.withLock { $0.storedLast } }

        /// A delay that ends when the test says so.
        func retryLater(_ retry: @escaping @Sendable () -> Void) {
            retries.withLock { $0.append(retry) }
            retried.signal()
        }

        func retryNow() { for retry in retries.withLock({ exchange(&$0) }) { retry() } }

        private func exchange(_ list: inout sending [@Sendable () -> Void]) -> sending [@Sendable () -> Void] {
            let taken = list
            list = []
            return taken
        }
    }

    private let control: Control
    private(set) var fault: StorageFault?
    private(set) var lastSequence: UInt64 = 0

    init(_ control: Control) { self.control = control }

    func appendGroup(first: UInt64, last: UInt64, records: RawSpan) throws(StorageFault) {
        if control.isHolding.load(ordering: .sequentiallyConsistent) {
            control.arrived.signal()
            control.gate.wait()
        }
        if let fault { throw fault }
        let bytes = records.array
        let injected: StorageFault? = control.report.withLock { report in
            report.callCount += 1
            if !report.faults.isEmpty {
                report.faultCount += 1
                return report.faults.removeFirst()
            }
            report.groups.append(Group(first: first, last: last, records: bytes))
            report.storedLast = last
            return nil
        }
        if let injected {
            if !injected.mayBeTriedAgain { fault = injected }
            throw injected
        }
        lastSequence = last
    }

    func maintain() throws(StorageFault) {}
    func close() throws(StorageFault) { control.report.withLock { $0.isClosed = true } }
}

/// Remembers what it was told.
final class RecordingWaiter: DurabilityWaiter {
    enum Told: Sendable, Equatable { case durable, failed(StorageFault) }

    let told = Mutex<[Told]>([])
    private let onTold: @Sendable () -> Void

    init(onTold: @escaping @Sendable () -> Void = {}) { self.onTold = onTold }

    var all: [Told] { told.withLock { $0 } }

    func durable() {
        told.withLock { $0.append(.durable) }
        onTold()
    }

    func failed(_ fault: StorageFault) {
        told.withLock { $0.append(.failed(fault)) }
        onTold()
    }
}
