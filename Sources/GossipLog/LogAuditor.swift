internal import Cryptography

/// Checks a log entry by entry and names the first one that is wrong.
///
/// A log has a signed tree head after each entry. Each is compared with the root over the leaves
/// so far, which pins a change to the very entry.
public struct LogAuditor: Sendable {
    /// What is stored for one entry.
    public struct Item: Hashable, Sendable {
        /// The leaf's bytes; nil if missing.
        public let leaf: [UInt8]?
        /// The tree head right after the entry; nil if missing.
        public let treeHead: [UInt8]?
        /// The evidence stored under the leaf's evidence hash; nil if missing.
        public let evidence: [UInt8]?

        /// Takes what was found.
        public init(leaf: [UInt8]?, treeHead: [UInt8]?, evidence: [UInt8]?) {
            self.leaf = leaf
            self.treeHead = treeHead
            self.evidence = evidence
        }
    }

    /// The tree over the entries that hold so far.
    public private(set) var tree = MerkleTree()
    private let key: NoteKey
    private let knownRoots: [UInt64: Set<Digest>]
    private var treeHead: SignedTreeHead?

    /// Begins an audit of the log that this key signs.
    ///
    /// `knownTreeHeads` are heads of the same log that came another way, as from a peer: the log
    /// must contain them. Their signatures were checked when they were read.
    public init(key: NoteKey, knownTreeHeads: [SignedTreeHead] = []) {
        self.key = key
        knownRoots = Dictionary(grouping: knownTreeHeads, by: \.head.size)
            .mapValues { Set($0.map(\.head.root)) }
    }

    /// Checks the next entry and returns its leaf.
    ///
    /// - Throws: a failure at this entry; the audit is over then.
    public mutating func check(_ item: Item) throws(AuditFailure) -> LogLeaf {
        do {
            return try advance(over: item)
        } catch {
            throw AuditFailure(entryIndex: tree.size, reason: error)
        }
    }

    private mutating func advance(over item: Item) throws(AuditFailure.Reason) -> LogLeaf {
        guard let leafBytes = item.leaf else { throw .leafMissing }
        var next = tree
        next.append(leafBytes)
        let head = try checkedTreeHead(item.treeHead, of: next)
        let leaf = try Self.leaf(leafBytes)
        try Self.check(item.evidence, of: leaf)
        let computed = head.head.root
        if let other = knownRoots[next.size, default: []].subtracting([computed]).min() {
            throw .contradictsKnownTreeHead(known: other, computed: computed)
        }
        tree = next
        treeHead = head
        return leaf
    }

    /// Checks what stands beside the entries when the last one is done.
    ///
    /// `storedTree` is the stored frontier (nil if missing), `signedSize` the greatest size under
    /// which a tree head is stored.
    /// - Throws: a failure behind the last entry.
    public func finish(
        storedTree: [UInt8]?, signedSize: UInt64
    ) throws(AuditFailure) -> AuditReport {
        let greatest = max(signedSize, knownRoots.keys.max() ?? 0)
        guard greatest <= tree.size else {
            throw AuditFailure(
                entryIndex: tree.size,
                reason: .truncated(size: tree.size, signedSize: greatest)
            )
        }
        guard (storedTree ?? MerkleTree().encoded) == tree.encoded else {
            throw AuditFailure(entryIndex: tree.size, reason: .frontierMismatch)
        }
        return AuditReport(entryCount: tree.size, treeHead: treeHead)
    }

    private func checkedTreeHead(
        _ bytes: [UInt8]?, of tree: MerkleTree
    ) throws(AuditFailure.Reason) -> SignedTreeHead {
        guard let bytes else { throw .treeHeadMissing }
        let signed: SignedTreeHead
        do {
            signed = try SignedTreeHead(bytes: bytes, key: key)
        } catch {
            throw .treeHeadInvalid(error)
        }
        guard signed.head.size == tree.size else {
            throw .treeHeadSize(expected: tree.size, stated: signed.head.size)
        }
        let root = tree.root
        guard signed.head.root == root else {
            throw .rootMismatch(signed: signed.head.root, computed: root)
        }
        return signed
    }

    private static func leaf(_ bytes: [UInt8]) throws(AuditFailure.Reason) -> LogLeaf {
        do {
            return try LogLeaf(bytes: bytes)
        } catch {
            throw .leafMalformed(error)
        }
    }

    private static func check(
        _ evidence: [UInt8]?, of leaf: LogLeaf
    ) throws(AuditFailure.Reason) {
        guard let expected = leaf.evidenceHash else { return }
        guard let evidence else { throw .evidenceMissing(expected) }
        let computed = Hashing.sha256(evidence)
        guard computed == expected else {
            throw .evidenceMismatch(expected: expected, computed: computed)
        }
    }
}

extension AuditFailure.Reason: Error {}
