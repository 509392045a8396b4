import Cryptography
import GossipLog
import Testing

@Suite struct MerkleTreeTests {
    @Test(arguments: 0...8)
    func `the roots of the first leaves are the published ones`(count: Int) throws {
        let leaves = Vectors.leaves.prefix(count)
        let expected = try Vectors.digest(Vectors.roots[count])
        #expect(Vectors.tree(of: leaves).root == expected)
        #expect(MerkleTree.root(of: leaves.map(MerkleTree.leafHash)) == expected)
    }

    @Test(arguments: [
        (256, "15e2dd4973ae44de8c8cf3048fd98d17adaaea6287f4e0606a55a643617408c0"),
        (257, "d418c0873259bce7d0561ab004486112416c1c4490865415342bfe06e673146c"),
        (1000, "c89faf3395d034a77c12c76d636db96358d6d2839c3c68f6329a07231e82fce2"),
    ])
    func `the roots of counted leaves are the published ones`(
        count: Int, root: String
    ) throws {
        var tree = MerkleTree()
        for number in 0..<UInt64(count) {
            tree.append((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
        }
        #expect(tree.size == UInt64(count))
        #expect(tree.root == (try Vectors.digest(root)))
    }

    @Test func `a tree goes on after it was stored and read`() throws {
        var tree = MerkleTree()
        for count in 0..<70 {
            var restored = try #require(MerkleTree(encoded: tree.encoded))
            #expect(restored == tree)
            #expect(tree.encoded.count == 8 + 32 * count.nonzeroBitCount)
            restored.append([UInt8(count)])
            tree.append([UInt8(count)])
            #expect(restored.root == tree.root)
        }
    }

    @Test func `a stored tree with another number of hashes is refused`() {
        let encoded = Vectors.tree(of: Vectors.leaves.prefix(7)).encoded
        for count in 0..<encoded.count {
            #expect(MerkleTree(encoded: Array(encoded.prefix(count))) == nil)
        }
        #expect(MerkleTree(encoded: encoded + [0]) == nil)
        #expect(MerkleTree(encoded: [0, 0, 0, 0, 0, 0, 0, 3] + encoded.dropFirst(8)) == nil)
    }
}
