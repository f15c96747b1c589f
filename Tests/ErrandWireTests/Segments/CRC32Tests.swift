import ErrandWire
import Testing

@Suite(.timeLimit(.minutes(2)))
struct CRC32Tests {
    @Test func itIsTheCRCThatTheSpecificationNames() {
        let digits = Array("123456789".utf8)
        #expect(CRC32.checksum(digits.span.bytes) == 0xCBF4_3926)
        #expect(slowCRC32(digits) == 0xCBF4_3926)
    }

    @Test func anEmptyTextHasNone() {
        let nothing: [UInt8] = []
        #expect(CRC32.checksum(nothing.span.bytes) == 0)
    }
}
