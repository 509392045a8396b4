import Cryptography
import GossipLog
import Testing

/// A log in memory as a store would keep it.
private struct StoredLog {
    var items: [LogAuditor.Item] = []
    var tree = MerkleTree()
    let signer: NoteSigner

    init(count: Int) throws {
        signer = try Vectors.logSigner()
        for index in 0..<count {
            let entry = try LogEntry(
                kind: .note, timeMilliseconds: UInt64(index), payload: [UInt8(index)],
                evidence: index.isMultiple(of: 2) ? [UInt8(index), 1] : nil
            )
            tree.append(entry.leaf.bytes)
            items.append(
                LogAuditor.Item(
                    leaf: entry.leaf.bytes,
                    treeHead: signer.treeHead(of: tree).bytes,
                    evidence: entry.evidence
                )
            )
        }
    }

    mutating func replace(
        _ index: Int, leaf: [UInt8]?? = nil, treeHead: [UInt8]?? = nil, evidence: [UInt8]?? = nil
    ) {
        let old = items[index]
        items[index] = LogAuditor.Item(
            leaf: leaf ?? old.leaf, treeHead: treeHead ?? old.treeHead,
            evidence: evidence ?? old.evidence
        )
    }

    func audit(known: [SignedTreeHead] = []) throws(AuditFailure) -> AuditReport {
        var auditor = LogAuditor(key: signer.key, knownTreeHeads: known)
        for item in items {
            _ = try auditor.check(item)
        }
        return try auditor.finish(storedTree: tree.encoded, signedSize: tree.size)
    }

    func failure(known: [SignedTreeHead] = []) -> AuditFailure? {
        do {
            _ = try audit(known: known)
            return nil
        } catch {
            return error
        }
    }
}

@Suite struct LogAuditorTests {
    @Test func `a sound log passes`() throws {
        let log = try StoredLog(count: 9)
        let report = try log.audit(known: [log.signer.treeHead(of: log.tree)])
        #expect(report.entryCount == 9)
        #expect(report.treeHead?.head.root == log.tree.root)
        let empty = try StoredLog(count: 0).audit()
        #expect(empty.entryCount == 0)
        #expect(empty.treeHead == nil)
    }

    @Test func `an edited leaf is named`() throws {
        for index in 0..<9 {
            var log = try StoredLog(count: 9)
            var leaf = try #require(log.items[index].leaf)
            leaf[20] ^= 1
            log.replace(index, leaf: leaf)
            let failure = try #require(log.failure())
            #expect(failure.entryIndex == UInt64(index))
            guard case .rootMismatch = failure.reason else {
                Issue.record("\(failure)")
                return
            }
        }
    }

    @Test func `the first of two swapped leaves is named`() throws {
        var log = try StoredLog(count: 9)
        log.items.swapAt(3, 6)
        #expect(log.failure()?.entryIndex == 3)
        log = try StoredLog(count: 9)
        let (third, sixth) = (log.items[3].leaf, log.items[6].leaf)
        log.replace(3, leaf: sixth)
        log.replace(6, leaf: third)
        #expect(log.failure()?.entryIndex == 3)
    }

    @Test func `missing and malformed parts are named`() throws {
        var log = try StoredLog(count: 5)
        log.replace(2, leaf: .some(nil))
        #expect(log.failure() == AuditFailure(entryIndex: 2, reason: .leafMissing))

        log = try StoredLog(count: 5)
        log.replace(3, treeHead: .some(nil))
        #expect(log.failure() == AuditFailure(entryIndex: 3, reason: .treeHeadMissing))

        log = try StoredLog(count: 5)
        log.replace(3, treeHead: log.items[2].treeHead)
        #expect(
            log.failure()
                == AuditFailure(entryIndex: 3, reason: .treeHeadSize(expected: 4, stated: 3))
        )

        log = try StoredLog(count: 5)
        let stranger = try NoteSigner(
            name: Vectors.origin, signingKey: Vectors.signingKey(firstSeedByte: 7)
        )
        log.replace(4, treeHead: stranger.treeHead(of: log.tree).bytes)
        #expect(
            log.failure()
                == AuditFailure(
                    entryIndex: 4, reason: .treeHeadInvalid(.note(.noKnownSignature))
                )
        )
    }

    @Test func `a wrong signature is named`() throws {
        var log = try StoredLog(count: 5)
        let own = String(decoding: try #require(log.items[1].treeHead), as: UTF8.self)
        let other = String(decoding: try #require(log.items[2].treeHead), as: UTF8.self)
        let text = own.split(separator: "\n").prefix(3).joined(separator: "\n") + "\n\n"
        let line = try #require(other.split(separator: "\n").last) + "\n"
        log.replace(1, treeHead: Array((text + line).utf8))
        #expect(
            log.failure()
                == AuditFailure(
                    entryIndex: 1,
                    reason: .treeHeadInvalid(.note(.invalidSignature(name: Vectors.origin)))
                )
        )
    }

    @Test func `wrong and missing evidence is named`() throws {
        var log = try StoredLog(count: 5)
        log.replace(2, evidence: [9])
        let expected = Hashing.sha256([2, 1])
        #expect(
            log.failure()
                == AuditFailure(
                    entryIndex: 2,
                    reason: .evidenceMismatch(expected: expected, computed: Hashing.sha256([9]))
                )
        )
        log.replace(2, evidence: .some(nil))
        #expect(log.failure() == AuditFailure(entryIndex: 2, reason: .evidenceMissing(expected)))
    }

    @Test func `signed bytes that are no leaf are named`() throws {
        var log = try StoredLog(count: 2)
        log.tree.append([1, 2, 3])
        log.items.append(
            LogAuditor.Item(
                leaf: [1, 2, 3], treeHead: log.signer.treeHead(of: log.tree).bytes, evidence: nil
            )
        )
        #expect(log.failure() == AuditFailure(entryIndex: 2, reason: .leafMalformed(.domain)))
    }

    @Test func `a log that was cut off is named by what it signed before`() throws {
        var log = try StoredLog(count: 6)
        let known = log.signer.treeHead(of: log.tree)
        log.items.removeLast(2)
        #expect(
            log.failure()
                == AuditFailure(entryIndex: 4, reason: .truncated(size: 4, signedSize: 6))
        )
        // Cut off with its tree heads and frontier, so that only another node can tell.
        let short = try StoredLog(count: 4)
        #expect(short.failure() == nil)
        #expect(
            short.failure(known: [known])
                == AuditFailure(entryIndex: 4, reason: .truncated(size: 4, signedSize: 6))
        )
    }

    @Test func `a second history is named by a head of the first`() throws {
        let log = try StoredLog(count: 6)
        var other = MerkleTree()
        for _ in 0..<3 {
            other.append([0])
        }
        let known = log.signer.treeHead(of: other)
        let failure = try #require(log.failure(known: [known]))
        #expect(failure.entryIndex == 2)
        guard case .contradictsKnownTreeHead = failure.reason else {
            Issue.record("\(failure)")
            return
        }
    }

    @Test func `a wrong frontier is named`() throws {
        var log = try StoredLog(count: 3)
        log.tree = Vectors.tree(of: [[1], [2], [3]])
        #expect(log.failure() == AuditFailure(entryIndex: 3, reason: .frontierMismatch))
    }
}
