import Cryptography
import GossipLog
import Testing

@Suite struct ProofTests {
    static let hashes = Vectors.leaves.map(MerkleTree.leafHash)

    @Test func `inclusion proofs are the published ones`() throws {
        let rootOfFour = Vectors.roots[4]
        #expect(
            InclusionProof(index: 0, leafHashes: Self.hashes).hashes.map(\.hexadecimal) == [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ])
        #expect(
            InclusionProof(index: 5, leafHashes: Self.hashes).hashes.map(\.hexadecimal) == [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", rootOfFour,
            ])
    }

    @Test func `consistency proofs are the published ones`() {
        #expect(
            ConsistencyProof(olderCount: 6, leafHashes: Self.hashes).hashes.map(\.hexadecimal) == [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                Vectors.roots[4],
            ])
        #expect(
            ConsistencyProof(olderCount: 1, leafHashes: Self.hashes).hashes
                == InclusionProof(index: 0, leafHashes: Self.hashes).hashes)
        let five = Array(Self.hashes.prefix(5))
        #expect(
            ConsistencyProof(olderCount: 2, leafHashes: five).hashes.map(\.hexadecimal) == [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ])
    }

    @Test func `every inclusion proof holds and no changed one does`() throws {
        for count in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33] {
            let hashes = Vectors.leafHashes(count)
            let root = MerkleTree.root(of: hashes)
            for index in 0..<count {
                let proof = InclusionProof(index: index, leafHashes: hashes)
                try proof.verify(leafHash: hashes[index], root: root)
                expectRefused(proof, leafHash: Vectors.leafHashes(99)[98], root: root)
                expectRefused(proof, leafHash: hashes[index], root: hashes[index].changed)
                for changed in changes(of: proof) {
                    expectRefused(changed, leafHash: hashes[index], root: root)
                }
            }
        }
    }

    @Test func `every consistency proof holds and no changed one does`() throws {
        for newer in [1, 2, 3, 4, 6, 7, 8, 13, 16, 17, 21] {
            let hashes = Vectors.leafHashes(newer)
            let newerRoot = MerkleTree.root(of: hashes)
            for older in 0...newer {
                let olderRoot = MerkleTree.root(of: hashes.prefix(older))
                let proof = ConsistencyProof(olderCount: older, leafHashes: hashes)
                try proof.verify(olderRoot: olderRoot, newerRoot: newerRoot)
                expectRefused(proof, olderRoot: olderRoot.changed, newerRoot: newerRoot)
                if older > 0 {
                    expectRefused(proof, olderRoot: olderRoot, newerRoot: newerRoot.changed)
                }
                for changed in changes(of: proof) {
                    expectRefused(changed, olderRoot: olderRoot, newerRoot: newerRoot)
                }
            }
        }
    }

    @Test func `a proof with sizes that can't be is refused by name`() throws {
        let root = MerkleTree.root(of: Self.hashes)
        #expect(throws: ProofError.indexBeyondSize(index: 8, size: 8)) {
            try InclusionProof(index: 8, treeSize: 8, hashes: [])
                .verify(leafHash: root, root: root)
        }
        #expect(throws: ProofError.indexBeyondSize(index: 0, size: 0)) {
            try InclusionProof(index: 0, treeSize: 0, hashes: [])
                .verify(leafHash: root, root: root)
        }
        #expect(throws: ProofError.sizesOutOfOrder(older: 9, newer: 8)) {
            try ConsistencyProof(olderSize: 9, newerSize: 8, hashes: [])
                .verify(olderRoot: root, newerRoot: root)
        }
        #expect(throws: ProofError.hashCount(0)) {
            try ConsistencyProof(olderSize: 4, newerSize: 8, hashes: [])
                .verify(olderRoot: root, newerRoot: root)
        }
        #expect(throws: ProofError.hashCount(2)) {
            try InclusionProof(
                index: .max - 1, treeSize: .max, hashes: Array(Self.hashes.prefix(2))
            )
            .verify(leafHash: root, root: root)
        }
    }

    private func changes(of proof: InclusionProof) -> [InclusionProof] {
        hashLists(proof.hashes).map {
            InclusionProof(index: proof.index, treeSize: proof.treeSize, hashes: $0)
        } + [
            InclusionProof(
                index: proof.index ^ 1, treeSize: proof.treeSize + 2, hashes: proof.hashes)
        ]
    }

    private func changes(of proof: ConsistencyProof) -> [ConsistencyProof] {
        hashLists(proof.hashes).map {
            ConsistencyProof(olderSize: proof.olderSize, newerSize: proof.newerSize, hashes: $0)
        }
    }

    private func hashLists(_ hashes: [Digest]) -> [[Digest]] {
        var lists = [hashes + [MerkleTree().root]]
        for index in hashes.indices {
            var changed = hashes
            changed[index] = changed[index].changed
            lists.append(changed)
            lists.append(Array(hashes[..<index] + hashes[(index + 1)...]))
        }
        if hashes.count > 1 {
            lists.append(hashes.reversed())
        }
        return lists
    }

    private func expectRefused(_ proof: InclusionProof, leafHash: Digest, root: Digest) {
        #expect(throws: ProofError.self, "\(proof)") {
            try proof.verify(leafHash: leafHash, root: root)
        }
    }

    private func expectRefused(
        _ proof: ConsistencyProof, olderRoot: Digest, newerRoot: Digest
    ) {
        #expect(throws: ProofError.self, "\(proof)") {
            try proof.verify(olderRoot: olderRoot, newerRoot: newerRoot)
        }
    }
}

extension Digest {
    /// The digest with one bit turned.
    var changed: Digest {
        Digest(bytes: [bytes[0] ^ 1] + bytes.dropFirst()) ?? self
    }
}
