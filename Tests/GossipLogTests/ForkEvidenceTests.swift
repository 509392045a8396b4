import Cryptography
import GossipLog
import Testing

/// Two histories of one log, and what proves them to others.
@Suite struct ForkEvidenceTests {
    private let signer: NoteSigner

    init() throws {
        signer = try Vectors.logSigner()
    }

    /// A copy of the log with `count` leaves; from `fork` on they are another history's.
    private func copy(_ count: Int, fork: Int = .max, signer: NoteSigner? = nil) throws -> LogCopy {
        let hashes = (0..<count).map {
            MerkleTree.leafHash([UInt8($0 & 255), UInt8($0 >> 8 & 255), $0 < fork ? 0 : 1])
        }
        var tree = MerkleTree()
        for hash in hashes { tree.append(leafHash: hash) }
        let head = (signer ?? self.signer).treeHead(of: tree)
        return try LogCopy(key: self.signer.key, head: head, leafHashes: hashes)
    }

    @Test func `a log that continues another is no fork`() throws {
        let (short, long) = (try copy(300), try copy(700))
        #expect(short.fork(from: long) == nil)
        #expect(long.fork(from: short) == nil)
        #expect(try copy(0).fork(from: long) == nil)
    }

    @Test(arguments: [(1, 0), (2, 1), (300, 0), (300, 255), (300, 256), (300, 299), (700, 511)])
    func `the first leaf that differs is found and proven`(count: Int, fork: Int) throws {
        let sound = try copy(count)
        for other in [try copy(count, fork: fork), try copy(count + 400, fork: fork)] {
            let evidence = try #require(sound.fork(from: other))
            #expect(try evidence.verify() == UInt64(fork))
            let read = try ForkEvidence(bytes: evidence.bytes)
            #expect(read == evidence)
            #expect(try read.verify() == UInt64(fork))
        }
    }

    @Test func `two roots of one size prove it without a leaf`() throws {
        let (first, second) = (try copy(5), try copy(5, fork: 2))
        let evidence = ForkEvidence(
            key: signer.key, notes: (first.head.bytes, second.head.bytes))
        #expect(try evidence.verify() == nil)
        #expect(try ForkEvidence(bytes: evidence.bytes) == evidence)
    }

    private func failure(_ evidence: ForkEvidence) -> ForkEvidence.Failure? {
        do throws(ForkEvidence.Failure) {
            try evidence.verify()
            return nil
        } catch {
            return error
        }
    }

    @Test func `nobody is convicted by what is no conflict`() throws {
        let (short, long) = (try copy(5), try copy(9))
        let (key, notes) = (signer.key, (short.head.bytes, long.head.bytes))
        #expect(failure(ForkEvidence(key: key, notes: notes)) == .noConflict)
        #expect(
            failure(ForkEvidence(key: key, notes: (notes.0, notes.0))) == .noConflict)
        func leaf(_ index: UInt64, of copy: LogCopy) throws -> ForkEvidence.Leaf {
            var proofs = ProofBuilder(copy.tiles)
            return ForkEvidence.Leaf(
                hash: try proofs.leafHash(index, size: copy.tiles.size),
                proof: try proofs.inclusion(of: index, size: copy.tiles.size))
        }
        let same = (try leaf(3, of: short), try leaf(3, of: long))
        #expect(
            failure(ForkEvidence(key: key, notes: notes, leaves: same)) == .sameLeaf(index: 3))
        let elsewhere = (try leaf(3, of: short), try leaf(4, of: long))
        #expect(
            failure(ForkEvidence(key: key, notes: notes, leaves: elsewhere)) == .leavesElsewhere)
        let forged = ForkEvidence.Leaf(
            hash: MerkleTree.leafHash([9]), proof: try leaf(3, of: long).proof)
        let result = failure(
            ForkEvidence(key: key, notes: notes, leaves: (try leaf(3, of: short), forged)))
        guard case .proof(1, .rootMismatch) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        let stranger = try NoteSigner(
            name: Vectors.origin, signingKey: Vectors.signingKey(firstSeedByte: 9))
        let foreign = try copy(9, fork: 3, signer: stranger)
        #expect(
            failure(ForkEvidence(key: key, notes: (short.head.bytes, foreign.head.bytes)))
                == .treeHead(1, .note(.noKnownSignature)))
    }

    @Test func `every changed byte of evidence leaves it unreadable or unproven`() throws {
        let evidence = try #require(try copy(5).fork(from: try copy(9, fork: 3)))
        let bytes = evidence.bytes
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 1
            let isProven = (try? ForkEvidence(bytes: changed).verify()) != nil
            #expect(!isProven, "byte \(place)")
        }
        #expect(throws: ForkEvidence.Failure.malformed(line: 0)) {
            try ForkEvidence(bytes: Array(bytes.dropLast()))
        }
        #expect(throws: ForkEvidence.Failure.self) { try ForkEvidence(bytes: []) }
    }
}
