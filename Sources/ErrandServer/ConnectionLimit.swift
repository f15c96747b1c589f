internal import ErrandTransport

extension JobExecutionServer {
    /// Descriptors that are not a client's: loops, the listener, standard streams, files.
    private static let descriptorReserve = 64

    /// Lets the process have as many descriptors as it may; returns how many connections that is enough for.
    ///
    /// For the start of a program that serves: the limit belongs to the whole process.
    public static func raiseConnectionLimit() -> Int {
        max(1, SystemCall.raiseDescriptorLimit() - descriptorReserve)
    }
}
