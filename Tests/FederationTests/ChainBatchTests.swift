import Cryptography
import Testing

@testable import Federation

/// Entries for members that lack them.
struct ChainBatchTests {
    @Test func `the instance orders the entries that a peer lacks, and none where there are none`()
        throws
    {
        var trio = try Trio()
        let peer = trio.keys[1].publicKey
        let orders = trio.receive(.chainRequest(fromHeight: 1), from: 1)
        #expect(orders.contains(.sendChain(fromHeight: 1, to: peer)))
        for height in [0, 2, UInt64.max] {
            let directives = trio.receive(.chainRequest(fromHeight: height), from: 1)
            #expect(
                !directives.contains {
                    if case .sendChain = $0 { true } else { false }
                })
        }
    }

    @Test(arguments: [1, 1000, 4096, CertifiedEntry.byteCountMax])
    func `a batch takes entries until its message is full`(entryByteCount: Int) throws {
        let entry = [UInt8](repeating: 7, count: entryByteCount)
        var batch = ChainBatch()
        #expect(batch.message == nil)
        var count = 0
        while batch.add(entry) { count += 1 }
        let limit = FederationProtocol.messageByteCountMax
        #expect(count >= (limit - 64) / (entryByteCount + 8))
        let message = try #require(batch.message)
        #expect(message.count <= limit)
        let decoded = try MessageCodec.decode(message)
        #expect(decoded == .chain([[UInt8]](repeating: entry, count: count)))
    }

    @Test func `an entry that no message holds is left out`() {
        var batch = ChainBatch()
        let entry = [UInt8](repeating: 7, count: FederationProtocol.messageByteCountMax)
        let wasAdded = batch.add(entry)
        #expect(!wasAdded && batch.message == nil)
    }
}
