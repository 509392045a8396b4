public import Cryptography

/// An inclusion proof with the head that it leads to, as one text.
///
/// Source: C2SP tlog-proof.
public struct LogProof: Hashable, Sendable {
    /// The first line.
    public static let firstLine = "c2sp.org/tlog-proof@v1"
    /// The longest text that is read.
    public static let byteCountMax = SignedNote.byteCountMax + 8 * 1024

    /// The index of the leaf, from 0.
    public let index: UInt64
    /// The siblings from the leaf upwards.
    public let hashes: [Digest]
    /// The note of the head; its size is that of the tree.
    public let note: [UInt8]

    /// Why a text is no proof, or proves nothing.
    public enum Failure: Error, Hashable, Sendable {
        /// This line, from 0, is not what the format says.
        case malformed(line: Int)
        /// The head is not one that the log signed.
        case treeHead(TreeHeadError)
        /// The proof does not hold.
        case proof(ProofError)
    }

    /// Puts a proof over the head that it leads to.
    public init(_ proof: InclusionProof, under head: SignedTreeHead) {
        precondition(
            proof.treeSize == head.head.size,
            "a proof for \(proof.treeSize) leaves under \(head.head.size)")
        index = proof.index
        hashes = proof.hashes
        note = head.bytes
    }

    /// Checks that a leaf with these bytes is in the log of that key.
    ///
    /// - Throws: the first reason for which it is not proven.
    public func verify(leaf: [UInt8], key: NoteKey) throws(Failure) {
        let head: TreeHead
        do {
            head = try SignedTreeHead(bytes: note, key: key).head
        } catch {
            throw .treeHead(error)
        }
        do {
            try InclusionProof(index: index, treeSize: head.size, hashes: hashes)
                .verify(leafHash: MerkleTree.leafHash(leaf), root: head.root)
        } catch {
            throw .proof(error)
        }
    }

    /// The text.
    public var bytes: [UInt8] {
        var text = "\(Self.firstLine)\nindex \(index)\n"
        for hash in hashes { text += Base64.encode(hash.bytes) + "\n" }
        return Array((text + "\n").utf8) + note
    }

    /// Reads a text.
    ///
    /// - Throws: `.malformed`, for a line of extra data, too.
    public init(bytes: [UInt8]) throws(Failure) {
        guard bytes.count <= Self.byteCountMax else { throw .malformed(line: 0) }
        var lines: [String] = []
        var start = 0
        // The empty line ends what is the proof's own.
        while true {
            guard lines.count < 66,
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")),
                let line = String(validating: bytes[start..<end], as: UTF8.self)
            else { throw .malformed(line: lines.count) }
            start = end + 1
            if line.isEmpty { break }
            lines.append(line)
        }
        let prefix = "index "
        guard lines.first == Self.firstLine else { throw .malformed(line: 0) }
        guard lines.count > 1, lines[1].hasPrefix(prefix),
            let index = UInt64(lines[1].dropFirst(prefix.count))
        else { throw .malformed(line: 1) }
        self.index = index
        var hashes: [Digest] = []
        for (place, line) in lines.enumerated().dropFirst(2) {
            guard let bytes = Base64.decode(line.utf8), let hash = Digest(bytes: bytes) else {
                throw .malformed(line: place)
            }
            hashes.append(hash)
        }
        self.hashes = hashes
        note = Array(bytes[start...])
    }
}
