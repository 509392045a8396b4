import Cryptography
import Testing

@testable import Federation

@Suite struct SecureHostileTests {
    /// What a test counts while a network runs; it lives on the test's thread only.
    final class Tally {
        var flips = 0
        var receiver = 0
        var refused = 0
        var early = 0
        var accepted: [String] = []
        var kinds: Set<UInt8> = []
        var perKind: [UInt8: Int] = [:]
        var generator = TestGenerator(state: 77)
    }

    /// Before a node takes a frame, copies of it take the frame with single bits turned over.
    @Test func `every single bit of every kind of message counts`() throws {
        var network = try SecureNetwork(count: 6, elements: 5000, seed: 21)
        let tally = Tally()
        network.watch = { instance, delivery, now in
            let kind = delivery.bytes[0]
            guard tally.perKind[kind, default: 0] < 12 else { return }
            tally.perKind[kind, default: 0] += 1
            tally.kinds.insert(kind)
            // Every field of the head and the signature's ends, then places at random.
            let bitCount = 8 * delivery.bytes.count
            var bits = [0, 5, 8, 9 + 8 * 31, 264, 270, 280, 295, bitCount - 1, bitCount - 512]
            for _ in 0..<14 { bits.append(Int.random(in: 0..<bitCount, using: &tally.generator)) }
            for bit in bits {
                var bytes = delivery.bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                var copy = instance
                let directives = copy.handle(
                    .received(from: copy.policy.candidates[delivery.from], bytes: bytes),
                    now: now)
                tally.flips += 1
                let isRefused = directives.contains {
                    if case .refused = $0 { true } else { false }
                }
                if isRefused {
                    tally.refused += 1
                } else if copy.early.count > instance.early.count {
                    tally.early += 1
                } else {
                    tally.accepted.append("kind \(kind), bit \(bit)")
                }
            }
        }
        // One member stops so that receipts and contributors are sent too.
        network.stops = { node, kind, _ in
            node == 1 && kind == SecureDataFrame.Kind.maskedShard.rawValue
        }
        network.startAll()
        network.run()
        // Rounds differ in who audits whom; a few more have one.
        for seed in UInt64(22)...24 {
            var other = try SecureNetwork(count: 5, elements: 5000, seed: seed)
            other.watch = network.watch
            other.startAll()
            other.run()
        }
        #expect(tally.kinds.count == SecureFrame.Kind.allCases.count + 3)
        #expect(tally.accepted == [])
        // What is early is refused later, when what it builds on is there; see the next test.
        #expect(tally.early < tally.flips / 4)
        #expect(tally.flips > 2000)
        #expect(network.violations() == [])
    }

    /// One frame of a kind arrives with one bit turned over; the round goes on without it.
    @Test(arguments: SecureFrame.Kind.allCases.map(\.rawValue) + [32, 33, 34])
    func `a frame with a wrong bit is refused and made good`(kind: UInt8) throws {
        do {
            let seed: UInt64 = 1
            var network = try SecureNetwork(count: 5, elements: 5000, seed: seed)
            let tally = Tally()
            tally.generator = TestGenerator(state: seed &* 1000 &+ UInt64(kind))
            network.tamper = { _, to, bytes in
                guard bytes[0] == kind, tally.flips == 0 else { return bytes }
                tally.receiver = to
                tally.flips += 1
                var changed = bytes
                let bit = Int.random(in: 8..<(8 * bytes.count), using: &tally.generator)
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                return changed
            }
            network.startAll()
            network.run()
            // Not every round has an audit of the node or by it.
            #expect(
                tally.flips == 1 || kind == SecureFrame.Kind.audit.rawValue
                    || kind == SecureFrame.Kind.status.rawValue || kind >= 32
                    || kind == SecureFrame.Kind.receipt.rawValue
                    || kind == SecureFrame.Kind.contributors.rawValue)
            #expect(network.nodes[tally.receiver].refusals.count >= tally.flips)
            for node in network.nodes {
                #expect(node.end?.reason == .certified)
                #expect(node.evidence == [])
            }
            #expect(network.violations() == [])
        }
    }

    /// Signs a frame anew with changed content.
    static func forge(
        _ frame: SecureFrame, body: [UInt8], view: Int? = nil, by key: SigningKey
    ) -> [UInt8] {
        SecureFrame(
            frame.kind, group: frame.group, sender: frame.sender, view: view ?? frame.view,
            body: body, signer: key
        ).bytes
    }

    /// Flower asks a client for both of a peer's shares with one list that names it as active
    /// and as dropped.
    @Test func `lists that overlap open nobody, whoever signs them`() throws {
        var network = try SecureNetwork(count: 5, elements: 50, seed: 4)
        let keys = network.nodes.map(\.key)
        let everyone = MemberSet(count: 5)
        // All others collude: their commits ask for both secrets of member 2.
        network.tamper = { from, to, bytes in
            guard to == 0, let frame = try? SecureFrame(bytes: bytes), frame.kind == .commit,
                let commit = try? SecureCommit(frame)
            else {
                // Nor does it learn the result from others.
                let isLate = [SecureFrame.Kind.reveal, .result].contains { $0.rawValue == bytes[0] }
                return to == 0 && isLate ? nil : bytes
            }
            let overlapping = SecureCommit(
                participants: everyone, dropped: MemberSet([2]), sumDigest: commit.sumDigest)
            guard let signer = keys.indices.first(where: { $0 + 1 == frame.sender }) else {
                return nil
            }
            return Self.forge(frame, body: overlapping.bytes, by: keys[signer])
        }
        network.startAll()
        network.run()
        #expect(network.nodes[0].refusals.contains(.setsOverlap))
        #expect(network.nodes[0].sent(.reveal).isEmpty)
        #expect(network.nodes[0].opened == nil)
        #expect(network.nodes[0].end?.reason == .noCertificate)
        #expect(network.nodes[0].end?.keepsUpdate == false)
        #expect(network.violations() == [])
    }

    @Test func `a reveal with a certificate that overlaps or is short is refused`() throws {
        var network = try SecureNetwork(count: 5, elements: 50, seed: 4)
        let keys = network.nodes.map(\.key)
        let tally = Tally()
        network.tamper = { from, to, bytes in
            guard to == 0, let frame = try? SecureFrame(bytes: bytes) else { return bytes }
            if frame.kind == .commit { return nil }
            guard frame.kind == .reveal, let reveal = try? SecureReveal(frame) else { return bytes }
            tally.flips += 1
            let commit = SecureCommit(
                participants: reveal.commit.participants, dropped: MemberSet([3]),
                sumDigest: reveal.commit.sumDigest)
            let isShort = tally.flips.isMultiple(of: 2)
            let body = SecureReveal(
                commit: isShort ? reveal.commit : commit,
                signatures: isShort ? Array(reveal.signatures.dropLast(2)) : reveal.signatures,
                shares: reveal.shares)
            return Self.forge(frame, body: body.bytes, by: keys[from])
        }
        network.startAll()
        network.run()
        #expect(network.nodes[0].refusals.contains(.setsOverlap))
        #expect(network.nodes[0].refusals.contains(.certificateInvalid))
        #expect(network.nodes[0].sent(.reveal).isEmpty)
        #expect(network.violations() == [])
    }

    @Test func `a false share is found, proven and done without`() throws {
        var network = try SecureNetwork(count: 7, elements: 50, seed: 6)
        let keys = network.nodes.map(\.key)
        network.tamper = { from, _, bytes in
            guard from == 0, let frame = try? SecureFrame(bytes: bytes), frame.kind == .reveal,
                frame.sender == 1, let reveal = try? SecureReveal(frame)
            else { return bytes }
            var shares = reveal.shares
            shares[3] = .init(member: shares[3].member, share: shares[2].share)
            return Self.forge(
                frame,
                body: SecureReveal(
                    commit: reveal.commit, signatures: reveal.signatures, shares: shares
                ).bytes, by: keys[0])
        }
        // The true reveal would reach others through those who got it first: it never leaves.
        network.startAll()
        network.run()
        let convicting = network.nodes.dropFirst().flatMap(\.evidence)
        #expect(!convicting.isEmpty)
        for evidence in convicting {
            #expect(evidence.member == keys[0].publicKey)
            #expect(evidence.isProven(networkKey: nil))
            #expect(!evidence.isProven(networkKey: .random(count: 32)) || evidence.isEquivocation)
            try expectLogged(evidence)
        }
        for node in network.nodes {
            #expect(node.end?.reason == .certified)
        }
        #expect(network.nodes.dropFirst().allSatisfy { $0.opened.map(network.isExact) == true })
    }

    @Test(arguments: [SecureFrame.Kind.maskCommit, .commit, .partial, .deal, .survivors, .roster])
    func `two statements for one place convict their signer`(kind: SecureFrame.Kind) throws {
        var network = try SecureNetwork(count: 7, elements: 50, seed: 8)
        let keys = network.nodes.map(\.key)
        let tally = Tally()
        network.watch = { instance, delivery, now in
            // A copy takes the true statement, then another one of the same signer.
            guard let frame = try? SecureFrame(bytes: delivery.bytes), frame.kind == kind else {
                return
            }
            var changed = frame.body
            // The last bytes are a hash, a point, or a digest in every kind.
            changed[changed.count - 1] ^= 1
            var copy = instance
            let sender = copy.policy.candidates[delivery.from]
            _ = copy.handle(.received(from: sender, bytes: delivery.bytes), now: now)
            var group = frame.group
            if kind == .roster, let roster = try? changedRoster(changed) {
                group =
                    SecureDerivation.groupID(
                        rosterBytes: roster.canonicalBytes(view: frame.view), networkKey: nil
                    ).bytes
            }
            guard let key = keys.first(where: { frame.isSigned(by: $0.publicKey) }) else { return }
            let second = SecureFrame(
                kind, group: group, sender: frame.sender, view: frame.view, body: changed,
                signer: key)
            for directive in copy.handle(.received(from: sender, bytes: second.bytes), now: now) {
                guard case .evidence(let evidence) = directive else { continue }
                tally.flips += 1
                if evidence.member == key.publicKey, evidence.isProven(networkKey: nil) {
                    tally.refused += 1
                }
            }
        }
        network.startAll()
        network.run()
        #expect(tally.flips > 0)
        #expect(tally.flips == tally.refused)
    }

    @Test func `evidence that proves nothing is told from evidence that does`() throws {
        let key = Fixtures.key(1)
        let group = Fixtures.digest("group").bytes
        func commit(_ text: String, by signer: SigningKey, group: [UInt8]) -> [UInt8] {
            let body = SecureCommit(
                participants: MemberSet(count: 5), dropped: MemberSet(),
                sumDigest: Fixtures.digest(text))
            return SecureFrame(
                .commit, group: group, sender: 1, view: 0, body: body.bytes, signer: signer
            ).bytes
        }
        func isProven(_ first: [UInt8], _ second: [UInt8]) -> Bool {
            SecureEvidence.equivocation(member: key.publicKey, first: first, second: second)
                .isProven(networkKey: nil)
        }
        let one = commit("one", by: key, group: group)
        #expect(isProven(one, commit("two", by: key, group: group)))
        #expect(!isProven(one, one))
        #expect(!isProven(one, commit("two", by: Fixtures.key(2), group: group)))
        #expect(!isProven(one, commit("two", by: key, group: Fixtures.digest("other").bytes)))
        #expect(!isProven(one, []))
    }

    /// The first owner tells half of the others another sum: nobody may commit twice, so the round
    /// is lost, but not the proof.
    @Test func `an owner that signs two sums opens nothing and is convicted`() throws {
        var network = try SecureNetwork(count: 7, elements: 50, seed: 9)
        let keys = network.nodes.map(\.key)
        let tally = Tally()
        network.tamper = { from, to, bytes in
            guard let frame = try? SecureFrame(bytes: bytes), frame.kind == .partial,
                frame.view == 0, to.isMultiple(of: 2), frame.isSigned(by: keys[from].publicKey),
                let partial = try? SecurePartial(frame)
            else { return bytes }
            tally.flips = from
            let other = SecurePartial(
                shard: partial.shard, participants: partial.participants,
                digest: Fixtures.digest("other"))
            return Self.forge(frame, body: other.bytes, by: keys[from])
        }
        network.startAll()
        network.run(seconds: 60)
        let convicting = network.nodes.enumerated()
            .filter { $0.offset != tally.flips }.flatMap(\.element.evidence)
        #expect(!convicting.isEmpty)
        for evidence in convicting {
            #expect(evidence.member == keys[tally.flips].publicKey)
            #expect(evidence.isProven(networkKey: nil))
        }
        #expect(network.violations() == [])
    }
}

extension SecureHostileTests {
    /// What convicts a member does so in a log as well, for whoever reads it there.
    private func expectLogged(_ evidence: SecureEvidence) throws {
        guard !evidence.isEquivocation else { return }
        #expect(try SecureEvidence(bytes: evidence.bytes) == evidence)
        let record = LogRecord.secureConviction(evidence, round: 7)
        let read = try LogRecordReader.read(record.payload)
        #expect(read == .secureConviction(member: evidence.member, round: 7))
        let manifest = Fixtures.digest("manifest")
        func isProven(_ read: LogRecordReader.Record, _ bytes: [UInt8]?) -> Bool {
            LogRecordReader.isProven(read, by: bytes, manifest: manifest)
        }
        #expect(isProven(read, record.evidence))
        #expect(!isProven(read, nil))
        #expect(
            !isProven(
                .secureConviction(member: Fixtures.key(99).publicKey, round: 7), record.evidence))
        #expect(
            !LogRecordReader.isProven(
                read, by: record.evidence, manifest: Fixtures.digest("other")))
        let roster: [UInt8] =
            switch evidence {
            case .equivocation: []
            case .falseShare(let found): found.roster
            case .falseSum(let found): found.roster
            }
        let start = record.evidence.indices.first { record.evidence[$0...].starts(with: roster) }
        // R stands for what the roster says; who sent it and its signature are no part of the proof.
        let body = SecureFrame.headByteCount..<(roster.count - SecureFrame.signatureByteCount)
        for place in stride(from: 27, to: record.evidence.count, by: 211) {
            let inRoster = place - (start ?? 0)
            if roster.indices.contains(inRoster), !body.contains(inRoster) { continue }
            var changed = record.evidence
            changed[place] ^= 4
            #expect(!isProven(read, changed), "byte \(place)")
        }
    }

    /// The owner tells everyone the same wrong sum: only the shards behind it show that.
    @Test func `a wrong sum that its owner signs once is found by an audit`() throws {
        var convictions = 0
        for seed in UInt64(1)...6 {
            var network = try SecureNetwork(count: 5, elements: 50, seed: seed)
            let keys = network.nodes.map(\.key)
            let tally = Tally()
            var digest: Digest?
            network.tamper = { from, _, bytes in
                if bytes[0] == SecureDataFrame.Kind.partialSum.rawValue,
                    let data = try? SecureDataFrame(bytes: bytes, wordCountMax: 51)
                {
                    var words = data.words
                    words[0] &+= 1
                    digest = Hashing.blake2b256(littleEndianWords: words[...])
                    tally.flips = from
                    return SecureDataFrame(
                        data.kind, group: data.group, shard: data.shard, contributor: 0,
                        words: words
                    ).bytes
                }
                guard let frame = try? SecureFrame(bytes: bytes), frame.kind == .partial,
                    let partial = try? SecurePartial(frame), frame.sender == from + 1
                else { return bytes }
                // Held back until the false words are known; then it is asked for again.
                guard let digest else { return nil }
                let other = SecurePartial(
                    shard: partial.shard, participants: partial.participants, digest: digest)
                return Self.forge(frame, body: other.bytes, by: keys[from])
            }
            network.startAll()
            network.run()
            for evidence in network.nodes.flatMap(\.evidence) {
                guard case .falseSum = evidence else { continue }
                convictions += 1
                #expect(evidence.member == keys[tally.flips].publicKey)
                #expect(evidence.isProven(networkKey: nil))
                #expect(!evidence.isProven(networkKey: .random(count: 32)))
                try expectLogged(evidence)
            }
            // Whoever opened has the sum that all signed for: off by the owner's one.
            let sums = network.nodes.compactMap(\.opened)
            #expect(Set(sums.map(\.digest)).count <= 1)
        }
        #expect(convictions > 0)
    }

    @Test func `an audit of an honest owner convicts nobody`() throws {
        var audits = 0
        for seed in UInt64(1)...4 {
            var network = try SecureNetwork(count: 5, elements: 9000, seed: seed)
            network.startAll()
            network.run()
            audits += network.nodes.reduce(0) { $0 + $1.sent(.audit).count }
            #expect(network.nodes.allSatisfy { $0.evidence == [] && $0.refusals == [] })
            #expect(network.violations() == [])
        }
        #expect(audits > 0)
    }
}

/// Reads a roster's changed body.
private func changedRoster(_ body: [UInt8]) throws -> SecureRoster {
    var reader = CanonicalReader(body)
    return try SecureRoster(reading: &reader)
}

extension SecureEvidence {
    /// Whether it needs no network key to be checked.
    var isEquivocation: Bool {
        if case .equivocation = self { true } else { false }
    }
}
