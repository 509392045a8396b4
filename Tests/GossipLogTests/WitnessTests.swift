import Cryptography
import GossipLog
import Testing

@Suite struct WitnessTests {
    private let signer: NoteSigner
    private let hashes: [Digest]

    init() throws {
        signer = try Vectors.logSigner()
        hashes = (0..<20).map { MerkleTree.leafHash([UInt8($0)]) }
    }

    private func head(_ size: Int, forked: Bool = false) -> SignedTreeHead {
        var tree = MerkleTree()
        for hash in hashes.prefix(size) { tree.append(leafHash: hash) }
        if forked {
            tree = MerkleTree()
            for hash in hashes.suffix(size) { tree.append(leafHash: hash) }
        }
        return signer.treeHead(of: tree)
    }

    private func request(from old: Int, to new: Int) -> CheckpointRequest {
        let proof = ConsistencyProof(olderCount: old, leafHashes: Array(hashes.prefix(new)))
        return CheckpointRequest(
            oldSize: UInt64(old), hashes: proof.hashes, note: head(new).bytes)
    }

    private func judge(_ request: CheckpointRequest, last: SignedTreeHead?) -> Witness.Verdict {
        Witness.judge(request, key: signer.key, last: last?.bytes)
    }

    @Test func `a head is signed when it continues the last one`() throws {
        #expect(judge(request(from: 0, to: 5), last: nil) == .sign(head(5)))
        #expect(judge(request(from: 5, to: 20), last: head(5)) == .sign(head(20)))
        #expect(judge(request(from: 5, to: 5), last: head(5)) == .sign(head(5)))
    }

    @Test func `another size than the last is answered with the last`() {
        #expect(judge(request(from: 4, to: 20), last: head(5)) == .otherSize)
        #expect(judge(request(from: 5, to: 20), last: nil) == .otherSize)
        #expect(judge(request(from: 3, to: 4), last: head(5)) == .otherSize)
    }

    @Test func `two heads of one size are evidence`() throws {
        let verdict = judge(
            CheckpointRequest(oldSize: 5, hashes: [], note: head(5, forked: true).bytes),
            last: head(5))
        guard case .fork(let evidence) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(try evidence.verify() == nil)
    }

    @Test func `what is not proven is not signed`() throws {
        var proof = request(from: 5, to: 20)
        proof = CheckpointRequest(
            oldSize: 5, hashes: Array(proof.hashes.dropLast()), note: proof.note)
        #expect(judge(proof, last: head(5)) == .proofInvalid)
        #expect(judge(request(from: 5, to: 20), last: head(5, forked: true)) == .proofInvalid)
        let stranger = try NoteSigner(
            name: Vectors.origin, signingKey: Vectors.signingKey(firstSeedByte: 7))
        let foreign = CheckpointRequest(
            oldSize: 0, hashes: [], note: stranger.treeHead(of: MerkleTree()).bytes)
        #expect(judge(foreign, last: nil) == .unknownLog)
        #expect(
            judge(CheckpointRequest(oldSize: 6, hashes: [], note: head(5).bytes), last: nil)
                == .malformed)
    }

    @Test func `requests, answers and queries are read as they were written`() throws {
        let asked = request(from: 5, to: 20)
        #expect(CheckpointRequest(bytes: asked.bytes) == asked)
        #expect(asked.bytes.starts(with: Array("old 5\n".utf8)))
        for text in ["", "old\n\n", "old 05\n\n", "old 1\nxyz\n\nnote", "old 1\n", "new 1\n\nx"] {
            #expect(CheckpointRequest(bytes: Array(text.utf8)) == nil, "\(text)")
        }
        let answers: [CheckpointAnswer] = [
            .signed(binding: [65, 66], line: [67, 10]), .conflict(note: [68]), .nothingSigned,
            .malformed, .unknownLog, .proofInvalid,
        ]
        for answer in answers { #expect(CheckpointAnswer(bytes: answer.bytes) == answer) }
        for text in ["", "200\n", "409", "500\n", "422\nx"] {
            #expect(CheckpointAnswer(bytes: Array(text.utf8)) == nil, "\(text)")
        }
        let queries: [LogQuery] = [
            .head, .seen(signer.key.publicKey), .consistency(older: 3, newer: 9),
            .leaf(index: 2, size: 9),
        ]
        for query in queries { #expect(LogQuery(bytes: query.bytes) == query) }
        for text in ["", "heads", "seen 00", "consistency 9 3", "leaf 9 9", "leaf 1", "head "] {
            #expect(LogQuery(bytes: Array(text.utf8)) == nil, "\(text)")
        }
        #expect(LogQuery.hashes(in: [1, 2]) == nil)
        #expect(LogQuery.hashes(in: hashes[0].bytes + hashes[1].bytes) == [hashes[0], hashes[1]])
    }

    @Test func `a cosignature stands under the head and is counted once`() throws {
        let witness = try Vectors.witnessSigner()
        let line = witness.cosignatureLine(over: head(8).head, timeSeconds: 1_700_000_000)
        let cosigned = try head(8).cosigned(line: line, by: witness.key)
        #expect(try cosigned.cosigned(line: line, by: witness.key) == cosigned)
        let read = try SignedTreeHead(bytes: cosigned.bytes, key: signer.key)
        let found = try read.cosigners(among: [witness.key, signer.key])
        #expect(found.map(\.timeSeconds) == [1_700_000_000])
        #expect(try read.cosigners(among: []).isEmpty)
        #expect(throws: NoteError.self) { try head(7).cosigned(line: line, by: witness.key) }
        #expect(throws: NoteError.self) { try head(8).cosigned(line: [65], by: witness.key) }
    }

    @Test func `a cosigning key is bound to the log of its node`() throws {
        let identity = try Vectors.signingKey(firstSeedByte: 0)
        let witness = identity.derivedKey(domain: "witness")
        #expect(witness.publicKey != identity.publicKey)
        #expect(witness.publicKey == identity.derivedKey(domain: "witness").publicKey)
        let bound = try WitnessKey(
            origin: Vectors.origin, witness: witness.publicKey, signer: identity)
        #expect(try WitnessKey(bytes: bound.bytes, log: signer.key) == bound)
        let other = try NoteKey(
            name: Vectors.origin, algorithm: .ed25519,
            publicKey: Vectors.signingKey(firstSeedByte: 3).publicKey)
        #expect(throws: NoteError.invalidSignature(name: Vectors.origin)) {
            try WitnessKey(bytes: bound.bytes, log: other)
        }
        let elsewhere = try NoteKey(
            name: "elsewhere", algorithm: .ed25519, publicKey: identity.publicKey)
        #expect(throws: NoteError.self) { try WitnessKey(bytes: bound.bytes, log: elsewhere) }
    }
}

@Suite struct LogProofTests {
    @Test func `a proof is read as it was written, and proves its leaf`() throws {
        let signer = try Vectors.logSigner()
        let leaves = Vectors.leaves
        let tree = Vectors.tree(of: leaves)
        let proof = LogProof(
            InclusionProof(index: 5, leafHashes: leaves.map(MerkleTree.leafHash)),
            under: signer.treeHead(of: tree))
        #expect(
            String(decoding: proof.bytes, as: UTF8.self)
                .hasPrefix("c2sp.org/tlog-proof@v1\nindex 5\n"))
        let read = try LogProof(bytes: proof.bytes)
        #expect(read == proof)
        try read.verify(leaf: leaves[5], key: signer.key)
        #expect(throws: LogProof.Failure.self) { try read.verify(leaf: leaves[4], key: signer.key) }
        #expect(throws: LogProof.Failure.malformed(line: 1)) {
            try LogProof(bytes: Array("c2sp.org/tlog-proof@v1\n\n".utf8))
        }
        #expect(throws: LogProof.Failure.malformed(line: 0)) { try LogProof(bytes: []) }
    }

    @Test func `a bundle holds leaves behind their lengths`() {
        let leaves: [[UInt8]] = [[], [1], [2, 3]]
        let bytes = EntryBundle.bytes(of: leaves)
        #expect(bytes == [0, 0, 0, 1, 1, 0, 2, 2, 3])
        #expect(EntryBundle.leaves(in: bytes) == leaves)
        #expect(EntryBundle.leaves(in: Array(bytes.dropLast())) == nil)
        #expect(EntryBundle.leaves(in: [0]) == nil)
        let many = EntryBundle.bytes(of: Array(repeating: [7], count: 257))
        #expect(EntryBundle.leaves(in: many) == nil)
    }
}
