import Cryptography
import GossipLog
import Testing

@Suite struct TreeHeadTests {
    static let root = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="

    @Test func `a signed tree head is read back`() throws {
        let signer = try Vectors.logSigner()
        let signed = signer.treeHead(of: Vectors.tree(of: Vectors.leaves))
        let read = try SignedTreeHead(bytes: signed.bytes, key: signer.key)
        #expect(read == signed)
        #expect(read.head.size == 8)
        #expect(read.head.root == (try Vectors.digest(Vectors.roots[8])))
        #expect(read.head.origin == Vectors.origin)
    }

    @Test func `lines behind the root are kept`() throws {
        let text = Array("log\n0\n\(Self.root)\nmore\nand more\n".utf8)
        let head = try TreeHead(text: text)
        #expect(head.extensions == ["more", "and more"])
        #expect(head.text == text)
    }

    @Test(arguments: [
        ("log\n8\n", TreeHeadError.missingLine),
        ("log\n8\n\(root)", .missingLine),
        ("\n8\n\(root)\n", .origin("")),
        ("log\n08\n\(root)\n", .size),
        ("log\n-8\n\(root)\n", .size),
        ("log\n+8\n\(root)\n", .size),
        ("log\n\n\(root)\n", .size),
        ("log\n18446744073709551616\n\(root)\n", .size),
        ("log\n8\nXcna\n", .root),
        ("log\n8\n\(root) \n", .root),
        ("log\n8\n\(root)\n\n", .emptyExtension),
    ])
    func `a malformed tree head is refused by name`(text: String, error: TreeHeadError) {
        #expect(throws: error) { try TreeHead(text: Array(text.utf8)) }
    }

    @Test func `the greatest size is read`() throws {
        let text = Array("log\n18446744073709551615\n\(Self.root)\n".utf8)
        #expect(try TreeHead(text: text).size == .max)
    }

    @Test func `a head of another log is refused though the key signed it`() throws {
        let signer = try Vectors.logSigner()
        let text = Array("another/log\n8\n\(Self.root)\n".utf8)
        let line = try SignedNote(bytes: signer.treeHead(of: MerkleTree()).bytes)
        var note = String(decoding: text, as: UTF8.self) + "\n"
        let own = String(decoding: line.bytes, as: UTF8.self)
        note += own.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(4)
            .joined(separator: "\n")
        #expect(throws: TreeHeadError.note(.invalidSignature(name: Vectors.origin))) {
            try SignedTreeHead(bytes: Array(note.utf8), key: signer.key)
        }
        let witness = try NoteSigner(
            name: "witness", signingKey: Vectors.signingKey(firstSeedByte: 9)
        )
        var cosigned = signer.treeHead(of: MerkleTree()).note
        cosigned.append(witness.signature(over: cosigned.text))
        #expect(throws: TreeHeadError.origin(Vectors.origin)) {
            try SignedTreeHead(bytes: cosigned.bytes, key: witness.key)
        }
    }
}
