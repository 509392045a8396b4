import Cryptography
import GossipLog
import Testing

/// Heads whose checksums hold are checked together; what is wrong is named all the same.
@Suite struct DeferredSignatureTests {
    private let signer: NoteSigner
    private var leaves: [[UInt8]] = []
    private var heads: [[UInt8]] = []

    init() throws {
        signer = try Vectors.logSigner()
        var tree = MerkleTree()
        for index in 0..<700 {
            let leaf = try LogLeaf(
                kind: .note, timeMilliseconds: UInt64(index), payload: [1]
            ).bytes
            tree.append(leaf)
            leaves.append(leaf)
            heads.append(signer.treeHead(of: tree).bytes)
        }
    }

    private func auditFailure() -> AuditFailure? {
        var auditor = LogAuditor(key: signer.key)
        do {
            for (leaf, head) in zip(leaves, heads) {
                _ = try auditor.check(
                    LogAuditor.Item(leaf: leaf, treeHead: head, checksum: .holds, evidence: nil))
            }
            let tree = auditor.tree
            _ = try auditor.finish(storedTree: tree.encoded, signedSize: tree.size)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a sound log passes`() {
        #expect(auditFailure() == nil)
    }

    /// Without the key: the texts state the new roots, the signatures are the old ones.
    @Test(arguments: [0, 1, 255, 256, 300, 511, 698, 699])
    mutating func `a log that somebody rewrote from an entry on is named at that entry`(
        index: Int
    ) throws {
        leaves[index][20] ^= 1
        var tree = MerkleTree()
        for (place, leaf) in leaves.enumerated() {
            tree.append(leaf)
            guard place >= index else { continue }
            let signature = heads[place].split(
                separator: 0x0A, omittingEmptySubsequences: false)[4]
            let text = TreeHead(origin: signer.key.name, size: tree.size, root: tree.root).text
            heads[place] = text + [0x0A] + signature + [0x0A]
        }
        let failure = try #require(auditFailure())
        #expect(failure.entryIndex == UInt64(index))
        guard case .treeHeadInvalid = failure.reason else {
            Issue.record("\(failure)")
            return
        }
    }

    @Test mutating func `an edited leaf is named although signatures are still to be checked`() {
        leaves[300][20] ^= 1
        #expect(auditFailure()?.entryIndex == 300)
        // An earlier head that nobody signed comes first.
        heads[290] = Array(heads[290].dropLast(5)) + Array("AAAA\n".utf8)
        #expect(auditFailure()?.entryIndex == 300)
        for place in 290..<300 {
            heads[place] = Array(heads[place].dropLast(5)) + [65, 65, 65, 65, 10]
        }
        #expect(auditFailure()?.entryIndex == 290)
    }

    @Test func `a checksum that fails is named where the note is sound`() throws {
        var auditor = LogAuditor(key: signer.key)
        let item = LogAuditor.Item(
            leaf: leaves[0], treeHead: heads[0], checksum: .fails, evidence: nil)
        #expect(throws: AuditFailure(entryIndex: 0, reason: .treeHeadChecksum)) {
            try auditor.check(item)
        }
    }
}
