public import Cryptography

/// Checks a log entry by entry and names the first one that is wrong.
///
/// A log has a signed tree head after each entry. Each is compared with the root over the leaves
/// so far, which pins a change to the very entry.
///
/// The signature of a head that its store's checksum vouches for is checked together with those
/// after it: a valid signature over a root commits to every leaf below, so one check covers up to
/// ``pendingCountMax`` entries. Only where it fails are they checked one by one.
public struct LogAuditor: Sendable {
    /// What is stored for one entry.
    public struct Item: Hashable, Sendable {
        /// Whether the tree head is as it was written, by a checksum beside it.
        public enum Checksum: Hashable, Sendable {
            /// There is none.
            case none
            /// It fits.
            case holds
            /// It does not fit.
            case fails
        }

        /// The leaf's bytes; nil if missing.
        public let leaf: [UInt8]?
        /// The tree head right after the entry; nil if missing.
        public let treeHead: [UInt8]?
        /// What the checksum says of the tree head.
        public let checksum: Checksum
        /// The evidence stored under the leaf's evidence hash; nil if missing.
        public let evidence: [UInt8]?

        /// Takes what was found.
        public init(
            leaf: [UInt8]?, treeHead: [UInt8]?, checksum: Checksum = .none, evidence: [UInt8]?
        ) {
            self.leaf = leaf
            self.treeHead = treeHead
            self.checksum = checksum
            self.evidence = evidence
        }
    }

    /// A head that states the right root; its signature is still to be checked.
    private struct Pending: Sendable {
        let index: UInt64
        let note: [UInt8]
    }

    /// The most tree heads that one check of a signature covers.
    public static let pendingCountMax = 256

    /// The tree over the entries that hold so far.
    public private(set) var tree = MerkleTree()
    /// The hash of the last leaf; nil before the first.
    public private(set) var lastLeafHash: Digest?
    private let key: NoteKey
    private let knownRoots: [UInt64: Set<Digest>]
    private var treeHead: SignedTreeHead?
    private var pending: [Pending] = []

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
    /// - Throws: a failure at this entry, or at one before it whose signature was still to be
    ///   checked; the audit is over then.
    public mutating func check(_ item: Item) throws(AuditFailure) -> LogLeaf {
        do {
            let leaf = try advance(over: item)
            if pending.count >= Self.pendingCountMax { try settle() }
            return leaf
        } catch let error as AuditFailure {
            throw error
        } catch let error as AuditFailure.Reason {
            let index = tree.size
            try settle()
            throw AuditFailure(entryIndex: index, reason: error)
        } catch {
            preconditionFailure("an audit ended with \(error)")
        }
    }

    /// Checks the signatures that are still to be checked: before anybody relies on the entries so
    /// far.
    ///
    /// - Throws: a failure at the first entry whose tree head the log's key did not sign.
    public mutating func settle() throws(AuditFailure) {
        guard let newest = pending.last else { return }
        if let signed = try? SignedTreeHead(bytes: newest.note, key: key) {
            treeHead = signed
        } else {
            for head in pending {
                do {
                    _ = try SignedTreeHead(bytes: head.note, key: key)
                } catch {
                    throw AuditFailure(entryIndex: head.index, reason: .treeHeadInvalid(error))
                }
            }
        }
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func advance(over item: Item) throws(AuditFailure.Reason) -> LogLeaf {
        guard let leafBytes = item.leaf else { throw .leafMissing }
        let hash = MerkleTree.leafHash(leafBytes)
        var next = tree
        next.append(leafHash: hash)
        let root = next.root
        try checkTreeHead(item, size: next.size, root: root)
        let leaf = try Self.leaf(leafBytes)
        try Self.check(item.evidence, of: leaf)
        if !knownRoots.isEmpty,
            let other = knownRoots[next.size, default: []].subtracting([root]).min()
        {
            throw .contradictsKnownTreeHead(known: other, computed: root)
        }
        tree = next
        lastLeafHash = hash
        return leaf
    }

    /// Checks what stands beside the entries when the last one is done.
    ///
    /// `storedTree` is the stored frontier (nil if missing), `signedSize` the greatest size under
    /// which a tree head is stored.
    /// - Throws: a failure behind the last entry, or at one whose signature was still to be
    ///   checked.
    public mutating func finish(
        storedTree: [UInt8]?, signedSize: UInt64
    ) throws(AuditFailure) -> AuditReport {
        try settle()
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

    /// Checks that the head states this root; its signature now, or later with others.
    private mutating func checkTreeHead(
        _ item: Item, size: UInt64, root: Digest
    ) throws(AuditFailure.Reason) {
        guard let note = item.treeHead else { throw .treeHeadMissing }
        if item.checksum == .holds {
            let text = TreeHead.text(origin: key.name, size: size, root: root)
            if note.count > text.count, note.starts(with: text), note[text.count] == 0x0A {
                pending.append(Pending(index: size - 1, note: note))
                return
            }
        }
        let signed: SignedTreeHead
        do {
            signed = try SignedTreeHead(bytes: note, key: key)
        } catch {
            throw .treeHeadInvalid(error)
        }
        guard signed.head.size == size else {
            throw .treeHeadSize(expected: size, stated: signed.head.size)
        }
        guard signed.head.root == root else {
            throw .rootMismatch(signed: signed.head.root, computed: root)
        }
        guard item.checksum != .fails else { throw .treeHeadChecksum }
        treeHead = signed
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
