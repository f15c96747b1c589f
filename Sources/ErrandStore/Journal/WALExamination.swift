internal import Glibc

/// Looks through the WAL before SQLite does.
///
/// SQLite drops everything after the first frame whose checksum is wrong, silently. That is right for a torn tail,
/// which was never acknowledged, and wrong for damage in the middle: what follows had been synced. The two are told
/// apart by what follows. Each frame's checksum continues the one that the frame before it states, so that frames
/// behind the damage can still be checked; a whole transaction there means that the damaged one was once durable.
struct WALExamination {
    private var pageByteCount = 0
    private var isBigEndian = false
    private var salts: ArraySlice<UInt8> = []
    private let path: String

    private static let headerByteCount = 32
    private static let frameHeaderByteCount = 24

    /// Throws if the WAL lost what must have been durable.
    static func check(path: String) throws(StorageFault) {
        guard FileDescriptor.exists(path) else { return }
        var examination = WALExamination(path: path)
        try examination.run()
    }

    private init(path: String) { self.path = path }

    private mutating func run() throws(StorageFault) {
        let file = try FileDescriptor(path: path, flags: O_RDONLY)
        var header = [UInt8](repeating: 0, count: Self.headerByteCount)
        // A shorter one was never finished, and the header is synced before the first frame is written.
        guard try file.read(into: &header, at: 0, path: path) == header.count else { return }
        let magic = Self.integer(header, at: 0, isBigEndian: true)
        isBigEndian = magic == 0x377f_0683
        pageByteCount = Int(Self.integer(header, at: 8, isBigEndian: true))
        let isKnown = isBigEndian || magic == 0x377f_0682
        var sums = Sums()
        sums.add(header[0..<24], isBigEndian: isBigEndian)
        guard isKnown, 512...65536 ~= pageByteCount, pageByteCount & (pageByteCount - 1) == 0,
            sums == Sums(header, at: 24)
        else {
            if file.byteCount < Int64(Self.headerByteCount + Self.frameHeaderByteCount + 512) { return }
            throw .damaged("the WAL's header is not what was written", at: "\(path), offset 0")
        }
        salts = header[16..<24]
        try scanFrames(of: file, from: sums)
    }

    private func scanFrames(of file: borrowing FileDescriptor, from start: Sums) throws(StorageFault) {
        var sums = start
        var offset = Int64(Self.headerByteCount)
        var frame = [UInt8](repeating: 0, count: Self.frameHeaderByteCount + pageByteCount)
        var damageOffset: Int64?
        var isTransactionOver = false
        while try file.read(into: &frame, at: offset, path: path) == frame.count {
            // Frames of an earlier round of the WAL have other salts. They end it, unless these salts are damaged.
            let isOfThisRound = frame[8..<16] == salts
            let before = sums
            sums.add(frame[0..<8], isBigEndian: isBigEndian)
            sums.add(frame[Self.frameHeaderByteCount...], isBigEndian: isBigEndian)
            let stated = Sums(frame, at: 16)
            let isCommit = Self.integer(frame, at: 4, isBigEndian: true) != 0
            let isValid = isOfThisRound && sums == stated
            if let damageOffset, isValid {
                if isTransactionOver {
                    throw .damaged(
                        "a part that was durable is not what was written", at: "\(path), offset \(damageOffset)")
                }
                isTransactionOver = isCommit
            } else if !isValid, damageOffset == nil {
                damageOffset = offset
                isTransactionOver = endsTransaction(frame, after: before)
            }
            sums = stated
            offset += Int64(frame.count)
        }
    }

    /// Whether a damaged frame was the last of its transaction, so that what follows it is another one, written when this one
    /// had been acknowledged. The checksum covers the mark of a commit and the page, but not the salts: damage to the salts
    /// alone, or to the mark alone, leaves no doubt about the rest.
    private func endsTransaction(_ frame: [UInt8], after before: Sums) -> Bool {
        func isRight(_ frame: [UInt8]) -> Bool {
            var sums = before
            sums.add(frame[0..<8], isBigEndian: isBigEndian)
            sums.add(frame[Self.frameHeaderByteCount...], isBigEndian: isBigEndian)
            return sums == Sums(frame, at: 16)
        }
        if Self.integer(frame, at: 4, isBigEndian: true) != 0 { return frame[8..<16] == salts || isRight(frame) }
        // One bit may have been all of it.
        guard frame[8..<16] == salts else { return false }
        return (0..<32).contains { bit in
            var repaired = frame
            repaired[4 + bit / 8] ^= 1 << UInt8(bit % 8)
            return isRight(repaired)
        }
    }

    private static func integer(_ bytes: [UInt8], at offset: Int, isBigEndian: Bool) -> UInt32 {
        let four = bytes[offset..<(offset + 4)]
        let value = four.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return isBigEndian ? value : value.byteSwapped
    }

    /// SQLite's checksum of the WAL, https://www.sqlite.org/fileformat2.html#checksum_algorithm.
    private struct Sums: Equatable {
        var first: UInt32 = 0
        var second: UInt32 = 0

        init() {}

        /// As they are stored, always big-endian.
        init(_ bytes: [UInt8], at offset: Int) {
            first = integer(bytes, at: offset, isBigEndian: true)
            second = integer(bytes, at: offset + 4, isBigEndian: true)
        }

        mutating func add(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
            // The buffer has a multiple of eight bytes, and the loop stays inside it.
            bytes.withUnsafeBytes { buffer in
                var offset = 0
                while offset + 8 <= buffer.count {
                    let left = buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                    let right = buffer.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                    first &+= (isBigEndian ? UInt32(bigEndian: left) : UInt32(littleEndian: left)) &+ second
                    second &+= (isBigEndian ? UInt32(bigEndian: right) : UInt32(littleEndian: right)) &+ first
                    offset += 8
                }
            }
        }
    }
}
