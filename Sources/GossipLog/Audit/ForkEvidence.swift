public import Cryptography

/// Two tree heads that one log signed and that no single history has: a proof that anybody can
/// check who has the log's key.
///
/// Heads of one size with different roots prove it alone. For different sizes it takes a leaf that
/// differs, with a proof under each head.
public struct ForkEvidence: Hashable, Sendable {
    /// A leaf hash with the proof that it stands in a tree.
    public struct Leaf: Hashable, Sendable {
        /// The hash.
        public let hash: Digest
        /// The proof; its index and size must be those that the evidence says.
        public let proof: InclusionProof

        /// Pairs hash and proof.
        public init(hash: Digest, proof: InclusionProof) {
            self.hash = hash
            self.proof = proof
        }
    }

    /// Why evidence proves nothing.
    public enum Failure: Error, Hashable, Sendable {
        /// The text is not that of a piece of evidence.
        case malformed(line: Int)
        /// The first (0) or second (1) head is not one that the log signed.
        case treeHead(Int, TreeHeadError)
        /// Two heads of one history: equal, or of two sizes without a leaf that differs.
        case noConflict
        /// The leaves have different indices, or their proofs are for other trees.
        case leavesElsewhere
        /// The proof of the first (0) or second (1) leaf does not hold.
        case proof(Int, ProofError)
        /// Both trees have the same leaf there.
        case sameLeaf(index: UInt64)
    }

    /// The longest text that is read: two notes and two proofs take less.
    public static let byteCountMax = 256 * 1024

    /// The log's key; its name is the log's origin.
    public let key: NoteKey
    /// The notes of both heads.
    public let notes: (first: [UInt8], second: [UInt8])
    /// The leaf that differs, as each tree has it; nil for heads of one size.
    public let leaves: (first: Leaf, second: Leaf)?

    /// Takes the parts; ``verify()`` checks them.
    public init(
        key: NoteKey, notes: (first: [UInt8], second: [UInt8]),
        leaves: (first: Leaf, second: Leaf)? = nil
    ) {
        self.key = key
        self.notes = notes
        self.leaves = leaves
    }

    /// Checks that the log signed two histories.
    ///
    /// - Returns: the index of a leaf that differs, where the evidence tells it.
    /// - Throws: the first reason for which it proves nothing.
    @discardableResult
    public func verify() throws(Failure) -> UInt64? {
        let first = try head(notes.first, 0)
        let second = try head(notes.second, 1)
        guard let leaves else {
            guard first.size == second.size, first.root != second.root else { throw .noConflict }
            return nil
        }
        let index = leaves.first.proof.index
        guard leaves.second.proof.index == index, leaves.first.proof.treeSize == first.size,
            leaves.second.proof.treeSize == second.size
        else { throw .leavesElsewhere }
        for (place, leaf, root) in [(0, leaves.first, first.root), (1, leaves.second, second.root)]
        {
            do {
                try leaf.proof.verify(leafHash: leaf.hash, root: root)
            } catch {
                throw .proof(place, error)
            }
        }
        guard leaves.first.hash != leaves.second.hash else { throw .sameLeaf(index: index) }
        return index
    }

    private func head(_ note: [UInt8], _ place: Int) throws(Failure) -> TreeHead {
        do {
            return try SignedTreeHead(bytes: note, key: key).head
        } catch {
            throw .treeHead(place, error)
        }
    }

    /// Compares by value.
    public static func == (left: ForkEvidence, right: ForkEvidence) -> Bool {
        left.bytes == right.bytes
    }

    /// Hashes what ``bytes`` says.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }
}

extension ForkEvidence {
    /// The first line of the text form.
    public static let firstLine = "starling/log-fork/1"

    /// The text form: first line, key, `head` and `head`; then, where a leaf differs, `index`,
    /// `leaf` and `leaf`, the hash and the proof's hashes behind each.
    public var bytes: [UInt8] {
        var text = "\(Self.firstLine)\n\(key)\n"
        text += "head \(Base64.encode(notes.first))\nhead \(Base64.encode(notes.second))\n"
        if let leaves {
            text += "index \(leaves.first.proof.index)\n"
            for leaf in [leaves.first, leaves.second] {
                let hashes = ([leaf.hash] + leaf.proof.hashes).flatMap(\.bytes)
                text += "leaf \(leaf.proof.treeSize) \(Base64.encode(hashes))\n"
            }
        }
        return Array(text.utf8)
    }

    /// Reads ``bytes``; what they prove is for ``verify()`` to say.
    ///
    /// - Throws: `.malformed` with the line, from 0.
    public init(bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= Self.byteCountMax,
            let text = String(validating: bytes, as: UTF8.self), text.hasSuffix("\n")
        else { throw .malformed(line: 0) }
        let lines = text.utf8.dropLast().split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).map { String(Substring($0)) }
        guard lines.count == 4 || lines.count == 7, lines[0] == Self.firstLine else {
            throw .malformed(line: 0)
        }
        do {
            key = try NoteKey(text: lines[1])
        } catch {
            throw .malformed(line: 1)
        }
        notes = (try Self.note(lines, 2), try Self.note(lines, 3))
        guard lines.count == 7 else {
            leaves = nil
            return
        }
        let prefix = "index "
        guard lines[4].hasPrefix(prefix), let index = UInt64(lines[4].dropFirst(prefix.count))
        else {
            throw .malformed(line: 4)
        }
        leaves = (try Self.leaf(lines, 5, index: index), try Self.leaf(lines, 6, index: index))
    }

    private static func note(_ lines: [String], _ line: Int) throws(Failure) -> [UInt8] {
        let prefix = "head "
        guard lines[line].hasPrefix(prefix),
            let note = Base64.decode(lines[line].utf8.dropFirst(prefix.utf8.count))
        else { throw .malformed(line: line) }
        return note
    }

    private static func leaf(
        _ lines: [String], _ line: Int, index: UInt64
    ) throws(Failure) -> Leaf {
        let parts = lines[line].utf8.split(
            separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("leaf".utf8),
            let size = UInt64(String(Substring(parts[1]))), let bytes = Base64.decode(parts[2]),
            let hashes = Digest.all(in: bytes), let hash = hashes.first
        else { throw .malformed(line: line) }
        return Leaf(
            hash: hash,
            proof: InclusionProof(index: index, treeSize: size, hashes: Array(hashes.dropFirst())))
    }
}
