import Cryptography
import Testing

@testable import Federation

@Suite struct SecureRoundTests {
    @Test(arguments: [3, 4, 5, 8, 16])
    func `the opened sum is the plain sum bit for bit`(count: Int) throws {
        // Three shards' worth of words, the last one short.
        var network = try SecureNetwork(
            count: count, elements: 9000, minimum: count < 5 ? 3 : nil, seed: UInt64(count))
        network.startAll()
        network.run()
        for node in network.nodes {
            let sum = try #require(node.opened)
            #expect(network.isExact(sum))
            #expect(sum.participants.count == count)
            #expect(node.end?.reason == .certified)
            #expect(node.certified?.results.count ?? 0 >= 2 * count / 3 + 1)
            #expect(node.refusals == [])
            #expect(node.evidence == [])
            #expect(node.warnings == (count < 5 ? [3] : []))
        }
        #expect(network.violations() == [])
    }
}
