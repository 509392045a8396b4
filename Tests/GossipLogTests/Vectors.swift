import Cryptography
import GossipLog
import Testing

/// The published values that the log's formats are checked against.
enum Vectors {
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ].map(bytes)

    /// Roots of the first 0, 1, … 8 leaves.
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    static let origin = "example.org/fed/node0"
    static let logKeyText =
        "example.org/fed/node0+079cbca1+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    static let logSignature =
        "B5y8oZWpSg856ejJzb4Glg/6CePWI2D57EQumInao5AjMXmwbKNWuIvicESW39PbipGvVLI0L7gOQWDGN7EN7hDHUwA="
    static let witnessName = "example.org/fed/node1"
    static let witnessKeyText =
        "example.org/fed/node1+fbb97923+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
    static let witnessSignature =
        "+7l5IwAAAABlU/EA9d1CSM8n4F4UXafwVoa67+hyYm3SwTvtRGgc/KGgp4H2eyNJwDrIqLpCJhA7DMVEc9xkMwUFtR1LCmtLAKilAA=="
    static let treeHeadText =
        "example.org/fed/node0\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"

    static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { start in
            let pair = String(decoding: digits[start..<(start + 2)], as: UTF8.self)
            return UInt8(pair, radix: 16) ?? 0
        }
    }

    static func digest(_ hexadecimal: String) throws -> Digest {
        try #require(Digest(hexadecimal: hexadecimal))
    }

    static func signingKey(firstSeedByte: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: Array(firstSeedByte..<(firstSeedByte + 32))))
    }

    static func logSigner() throws -> NoteSigner {
        try NoteSigner(name: origin, signingKey: signingKey(firstSeedByte: 0))
    }

    static func witnessSigner() throws -> NoteSigner {
        try NoteSigner(
            name: witnessName, algorithm: .cosignature, signingKey: signingKey(firstSeedByte: 0x20)
        )
    }

    static func tree(of leaves: some Sequence<[UInt8]>) -> MerkleTree {
        var tree = MerkleTree()
        for leaf in leaves {
            tree.append(leaf)
        }
        return tree
    }

    static func leafHashes(_ count: Int) -> [Digest] {
        (0..<count).map { MerkleTree.leafHash([UInt8($0 & 0xFF), UInt8($0 >> 8)]) }
    }
}
