import Cryptography
import GossipLog
import Testing

@Suite struct ProofBuilderTests {
    private static func hashes(_ count: Int) -> [Digest] {
        (0..<count).map { MerkleTree.leafHash([UInt8($0 & 255), UInt8($0 >> 8 & 255)]) }
    }

    @Test(arguments: [1, 2, 3, 7, 255, 256, 257, 300, 700])
    func `proofs from tiles are those from all leaf hashes`(count: Int) throws {
        let hashes = Self.hashes(count)
        var proofs = ProofBuilder(MemoryTiles(leafHashes: hashes))
        #expect(try proofs.root(size: UInt64(count)) == MerkleTree.root(of: hashes))
        let step = max(count / 23, 1)
        for index in stride(from: 0, to: count, by: step) {
            #expect(
                try proofs.inclusion(of: UInt64(index), size: UInt64(count))
                    == InclusionProof(index: index, leafHashes: hashes))
            #expect(
                try proofs.consistency(from: UInt64(index), to: UInt64(count))
                    == ConsistencyProof(olderCount: index, leafHashes: hashes))
        }
        #expect(
            try proofs.consistency(from: UInt64(count), to: UInt64(count))
                == ConsistencyProof(olderCount: count, leafHashes: hashes))
    }

    @Test func `older sizes of a longer log are proven from its tiles`() throws {
        let hashes = Self.hashes(600)
        var proofs = ProofBuilder(MemoryTiles(leafHashes: hashes))
        for size in [1, 100, 256, 511, 512, 513] {
            let part = Array(hashes.prefix(size))
            #expect(try proofs.root(size: UInt64(size)) == MerkleTree.root(of: part))
            #expect(
                try proofs.inclusion(of: UInt64(size / 2), size: UInt64(size))
                    == InclusionProof(index: size / 2, leafHashes: part))
        }
    }

    @Test func `a tree of three levels proves its leaves`() throws {
        let count = 66_000
        let hashes = Self.hashes(count)
        let tree = hashes.reduce(into: MerkleTree()) { $0.append(leafHash: $1) }
        var proofs = ProofBuilder(MemoryTiles(leafHashes: hashes))
        #expect(try proofs.root(size: UInt64(count)) == tree.root)
        for index in [0, 255, 256, 65_535, 65_536, 65_999] {
            try proofs.inclusion(of: UInt64(index), size: UInt64(count))
                .verify(leafHash: hashes[index], root: tree.root)
        }
        let older = MerkleTree.root(of: hashes.prefix(65_537))
        try proofs.consistency(from: 65_537, to: UInt64(count))
            .verify(olderRoot: older, newerRoot: tree.root)
    }

    @Test func `a tile that is short proves nothing`() {
        var proofs = ProofBuilder(MemoryTiles(leafHashes: Self.hashes(10)))
        #expect(throws: ProofBuilder<MemoryTiles>.Failure.self) { try proofs.root(size: 11) }
    }
}

@Suite struct LogTileTests {
    @Test func `a log of 70,000 leaves has the tiles that the format says`() {
        let tiles = LogTile.all(ofSize: 70_000)
        #expect(tiles.filter { $0.level == 0 && $0.count == 256 }.count == 273)
        #expect(tiles.filter { $0.level == 0 && $0.count < 256 }.map(\.count) == [112])
        #expect(tiles.filter { $0.level == 1 }.map(\.count) == [256, 17])
        #expect(tiles.filter { $0.level == 2 }.map(\.count) == [1])
        #expect(tiles.filter { $0.level > 2 }.isEmpty)
        #expect(LogTile.all(ofSize: 0).isEmpty)
    }

    @Test func `places are in groups of three digits`() {
        #expect(LogTile(level: 0, index: 0).path == "tile/0/000")
        #expect(LogTile(level: 1, index: 17, count: 5).path == "tile/1/017.p/5")
        #expect(LogTile(level: 0, index: 1_234_067).path == "tile/0/x001/x234/067")
        #expect(
            LogTile(level: 0, index: 1_000, count: 1).entriesPath == "tile/entries/x001/000.p/1")
    }
}
