internal import Cryptography

@testable internal import GossipLog

/// A log of three leaves, its key and a witness.
private enum SampleLog {
    static let signer = signer("example.org/log", .ed25519, Samples.keys[0])
    static let witness = signer("example.org/log", .cosignature, Samples.keys[1])

    static func signer(
        _ name: String, _ algorithm: NoteKey.Algorithm, _ key: SigningKey
    ) -> NoteSigner {
        guard let signer = try? NoteSigner(name: name, algorithm: algorithm, signingKey: key)
        else { preconditionFailure("the name \(name) was refused") }
        return signer
    }

    static let leaves: [[UInt8]] = (0..<3).compactMap {
        try? LogLeaf(
            kind: LeafKind(rawValue: 1), timeMilliseconds: $0, payload: [1, 2, 3],
            evidenceHash: $0 == 0 ? nil : Samples.digest("evidence")
        ).bytes
    }
    static let hashes = leaves.map { MerkleTree.leafHash($0) }
    static let tree: MerkleTree = {
        var tree = MerkleTree()
        for leaf in leaves { tree.append(leaf) }
        return tree
    }()
    static let head = signer.treeHead(of: tree)
    static let cosigned: SignedTreeHead? = {
        let line = witness.cosignatureLine(over: head.head, timeSeconds: 1_700_000_000)
        return try? head.cosigned(line: line, by: witness.key)
    }()
}

/// Notes, tree heads and keys.
enum NoteDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let binding = try? WitnessKey(
            origin: SampleLog.signer.key.name, witness: SampleLog.witness.key.publicKey,
            signer: Samples.keys[0])
        return [
            SampleLog.head.bytes, SampleLog.cosigned?.bytes ?? [], SampleLog.head.head.text,
            Array("\(SampleLog.signer.key)".utf8), binding?.bytes ?? [],
        ]
    }

    static func read(_ input: [UInt8]) {
        if let note = try? SignedNote(bytes: input) {
            precondition((try? SignedNote(bytes: note.bytes)) == note, "a note differs")
            _ = try? note.verified(by: [SampleLog.signer.key, SampleLog.witness.key])
        }
        if let head = try? SignedTreeHead(bytes: input, key: SampleLog.signer.key) {
            _ = try? head.cosigners(among: [SampleLog.witness.key])
        }
        if let head = try? TreeHead(text: input) {
            precondition(head.text == input, "a tree head has two forms")
        }
        if let text = String(validating: input, as: UTF8.self), let key = try? NoteKey(text: text) {
            precondition((try? NoteKey(text: "\(key)")) == key, "a key differs")
        }
        _ = try? WitnessKey(bytes: input, log: SampleLog.signer.key)
        _ = try? SampleLog.head.cosigned(line: input, by: SampleLog.witness.key)
    }
}

/// Proofs that come as text, and evidence of forks.
enum ProofDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let proof = InclusionProof(index: 1, leafHashes: SampleLog.hashes)
        var other = MerkleTree()
        for leaf in SampleLog.leaves.reversed() { other.append(leaf) }
        let fork = ForkEvidence(
            key: SampleLog.signer.key,
            notes: (SampleLog.head.bytes, SampleLog.signer.treeHead(of: other).bytes))
        return [LogProof(proof, under: SampleLog.head).bytes, fork.bytes]
    }

    static func read(_ input: [UInt8]) {
        if let proof = try? LogProof(bytes: input) {
            _ = try? proof.verify(leaf: SampleLog.leaves[1], key: SampleLog.signer.key)
        }
        if let fork = try? ForkEvidence(bytes: input) {
            precondition((try? ForkEvidence(bytes: fork.bytes)) == fork, "evidence differs")
            _ = try? fork.verify()
        }
        // The numbers of a proof as a peer may state them, over hashes that are there.
        func number(_ offset: Int) -> UInt64 {
            input.dropFirst(offset).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
        let hashes = Digest.all(in: Array(input.dropFirst(16).prefix(64 * 32))) ?? []
        let root = SampleLog.tree.root
        _ = try? InclusionProof(index: number(0), treeSize: number(8), hashes: hashes)
            .verify(leafHash: SampleLog.hashes[0], root: root)
        _ = try? ConsistencyProof(olderSize: number(0), newerSize: number(8), hashes: hashes)
            .verify(olderRoot: root, newerRoot: root)
    }
}

/// Leaves, bundles of them, and the stored frontier of a tree.
enum LeafDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        SampleLog.leaves + [EntryBundle.bytes(of: SampleLog.leaves), SampleLog.tree.encoded]
    }

    static func read(_ input: [UInt8]) {
        if let leaf = try? LogLeaf(bytes: input) {
            precondition(leaf.bytes == input, "a leaf has two forms")
        }
        if let leaves = EntryBundle.leaves(in: input) {
            precondition(EntryBundle.bytes(of: leaves) == input, "a bundle has two forms")
        }
        if let tree = MerkleTree(encoded: input) {
            precondition(tree.encoded == input, "a frontier has two forms")
            _ = tree.root
        }
    }
}

/// What logs and witnesses ask each other.
enum WitnessDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let request = CheckpointRequest(
            oldSize: 1,
            hashes: ConsistencyProof(olderCount: 1, leafHashes: SampleLog.hashes).hashes,
            note: SampleLog.head.bytes)
        let answers: [CheckpointAnswer] = [
            .signed(binding: [1, 2], line: [3, 4]), .conflict(note: SampleLog.head.bytes),
            .nothingSigned, .malformed, .unknownLog, .proofInvalid,
        ]
        let queries: [LogQuery] = [
            .head, .seen(Samples.keys[0].publicKey), .consistency(older: 1, newer: 3),
            .leaf(index: 1, size: 3),
        ]
        return [request.bytes] + answers.map(\.bytes) + queries.map(\.bytes)
    }

    static func read(_ input: [UInt8]) {
        if let request = CheckpointRequest(bytes: input) {
            precondition(CheckpointRequest(bytes: request.bytes) == request, "a request differs")
            for last in [nil, SampleLog.head.bytes] {
                _ = Witness.judge(request, key: SampleLog.signer.key, last: last)
            }
        }
        if let answer = CheckpointAnswer(bytes: input) {
            precondition(answer.bytes == input, "an answer has two forms")
        }
        if let query = LogQuery(bytes: input) {
            precondition(LogQuery(bytes: query.bytes) == query, "a query differs")
        }
        _ = LogQuery.hashes(in: input)
    }
}
