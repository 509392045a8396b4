import Cryptography
import Testing

@Suite struct ContentAddressTests {
    @Test func `the id is the hash of the layout that the protocol page gives`() {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
        let chunks = [Array(bytes[..<262_144]), Array(bytes[262_144...])]
        var layout = Array("starling/object/1\0".utf8)
        layout += [0, 0, 0, 0, 0, 0x04, 0x93, 0xe0]
        layout += [0, 0x04, 0, 0]
        for chunk in chunks { layout += Hashing.blake2b256(chunk).bytes }
        #expect(ContentAddress.id(of: bytes) == Hashing.blake2b256(layout))
    }

    @Test(arguments: [1, 262_143, 262_144, 262_145, 524_288])
    func `a change of any chunk changes the id`(byteCount: Int) {
        let bytes = [UInt8](repeating: 3, count: byteCount)
        for place in [0, byteCount / 2, byteCount - 1] {
            var changed = bytes
            changed[place] ^= 1
            #expect(ContentAddress.id(of: changed) != ContentAddress.id(of: bytes))
        }
        #expect(ContentAddress.id(of: bytes + [3]) != ContentAddress.id(of: bytes))
    }
}
