import Dispatch
import Foundation

/// Runs two at the same time, each on a thread of its own, and waits for both.
func both(_ left: @escaping @Sendable () -> Void, _ right: @escaping @Sendable () -> Void) {
    let done = DispatchGroup()
    for body in [left, right] {
        done.enter()
        Thread.detachNewThread {
            body()
            done.leave()
        }
    }
    done.wait()
}
