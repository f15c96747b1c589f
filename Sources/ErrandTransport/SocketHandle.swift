/// Owner of one descriptor, which is closed exactly once: when its owner lets go.
package struct SocketHandle: ~Copyable {
    package let descriptor: Int32

    package init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        SystemCall.close(descriptor)
    }
}
