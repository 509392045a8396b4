import Cryptography

@testable import Federation

/// Three members with one instance under test, key 1 (the author); the test speaks for the other
/// two.
///
/// Membership entry 1 is certified beforehand.
struct Trio {
    let manifest: SignedManifest
    let keys: [SigningKey]
    var chain: ChainState
    var instance: PeerInstance
    var store: (entries: [[UInt8]], records: [String: [UInt8]], log: [LogRecord])
    var milliseconds: UInt64 = 1000
    var sent: [Message] = []
    var refused: [RejectReason] = []

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }

    /// The name decides the manifest's digest and so who proposes when.
    init(name: String = "test") throws {
        manifest = try SignedManifest(
            signing: try Fixtures.manifest(name: name), with: Fixtures.key(1))
        keys = [1, 2, 3].map { Fixtures.key($0) }
        chain = ChainState(genesis: manifest)
        let entry = try Self.membershipEntry(manifest: manifest, keys: keys, chain: chain)
        chain.apply(entry)
        store = ([entry.bytes], ["adapter": Fixtures.adapterDigest.bytes], [])
        instance = try PeerInstance(
            restored: RestoredState(
                manifest: manifest, entries: store.entries, records: store.records),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: keys[0],
            now: Timestamp(milliseconds: milliseconds))
        tell(.started)
        for key in keys.dropFirst() { tell(.connected(key.publicKey)) }
        sent = []
    }

    static func membershipEntry(
        manifest: SignedManifest, keys: [SigningKey], chain: ChainState
    ) throws -> CertifiedEntry {
        let joins = keys.dropFirst()
            .map { SignedJoin(manifest: manifest.digest, height: 0, signer: $0) }
            .sorted { $0.member < $1.member }
        let proposal = Proposal(
            manifestDigest: manifest.digest, height: 1, previousDigest: manifest.digest,
            kind: .membership, baseAdapterDigest: Fixtures.adapterDigest, participants: [],
            absences: [], joins: joins, departures: [])
        return entry(
            proposal, outcome: .init(sumDigest: .zero, adapterDigest: Fixtures.adapterDigest),
            chain: chain, signers: [keys[0]])
    }

    /// An entry that those signers certify.
    static func entry(
        _ proposal: Proposal, outcome: AggregateOutcome, chain: ChainState, view: UInt64 = 0,
        signers: [SigningKey]
    ) -> CertifiedEntry {
        let result = chain.result(of: proposal, digest: proposal.digest, outcome: outcome)
        let ballot = Ballot(
            height: proposal.height, view: view, proposalDigest: proposal.digest)
        let sorted = signers.sorted { $0.publicKey < $1.publicKey }
        let statement = ballot.commitStatement(manifest: chain.manifestDigest)
        return CertifiedEntry(
            proposal: proposal,
            commits: CommitCertificate(
                view: view,
                signatures: sorted.map {
                    .init(member: $0.publicKey, signature: $0.signature(for: statement))
                }),
            result: result,
            signatures: sorted.map {
                .init(member: $0.publicKey, signature: $0.signature(for: result.bytes))
            })
    }

    /// Hands over an event, carries out the durable directives and keeps what was sent.
    @discardableResult
    mutating func tell(_ event: Event) -> [Directive] {
        let directives = instance.handle(event, now: now)
        for directive in directives {
            switch directive {
            case .persist(let key, let value): store.records[key] = value
            case .forget(let keys): for key in keys { store.records[key] = nil }
            case .persistEntry(_, let bytes): store.entries.append(bytes)
            case .appendLog(let record): store.log.append(record)
            case .send(_, let bytes):
                if let message = try? MessageCodec.decode(bytes) { sent.append(message) }
            case .refuse(_, let reason): refused.append(reason)
            default: break
            }
        }
        return directives
    }

    @discardableResult
    mutating func receive(_ message: Message, from index: Int) -> [Directive] {
        tell(.received(from: keys[index].publicKey, bytes: MessageCodec.encode(message)))
    }

    /// Lets time pass while those members send heartbeats, until something was sent that the
    /// test waits for.
    mutating func pass(
        seconds: Double, heard: [Int], until isDone: (Message) -> Bool = { _ in false }
    ) {
        let end = milliseconds + UInt64(seconds * 1000)
        while milliseconds < end, !sent.contains(where: isDone) {
            milliseconds += 250
            for index in heard {
                receive(
                    .status(
                        StatusReport(
                            height: chain.height, headDigest: chain.headDigest,
                            holdsProposal: true, announcements: 7, viewChanges: 7, commits: 7,
                            results: 7, secondsPerStep: 0.1, bytesPerSecond: 1e6)),
                    from: index)
            }
            tell(.tick)
        }
    }

    mutating func restart() throws {
        instance = try PeerInstance(
            restored: RestoredState(
                manifest: manifest, entries: store.entries, records: store.records),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: keys[0], now: now)
        tell(.started)
        for key in keys.dropFirst() { tell(.connected(key.publicKey)) }
    }

    /// An announcement of round 1 by that member, with any object.
    func announcement(_ index: Int, object: String = "object") -> SignedAnnouncement {
        let summary = UpdateSummary(
            objectID: Fixtures.digest("\(object) \(index)"), member: keys[index].publicKey,
            round: 1, baseAdapterDigest: Fixtures.adapterDigest, exampleCount: 8, byteCount: 100)
        return SignedAnnouncement(
            manifest: manifest.digest, summary: summary, signer: keys[index])
    }

    /// A proposal of round 1 with the announcements of those members.
    func proposal(_ members: [Int], object: String = "object") -> Proposal {
        let participants = members.map { announcement($0, object: object) }
            .sorted { $0.summary.member < $1.summary.member }
        let present = Set(participants.map(\.summary.member))
        return Proposal(
            manifestDigest: manifest.digest, height: 2, previousDigest: chain.headDigest,
            kind: .round(1), baseAdapterDigest: Fixtures.adapterDigest,
            participants: participants,
            absences: chain.members.filter { !present.contains($0) }.map {
                .init(member: $0, reason: .tooSlow)
            }, joins: [], departures: [])
    }

    func index(of member: PublicKey) -> Int {
        keys.firstIndex { $0.publicKey == member } ?? 0
    }

    /// The index of the member that proposes in that view of height 2.
    func proposer(_ view: UInt64) -> Int {
        index(of: chain.proposers[Int(view % 3)])
    }

    func propose(
        _ proposal: Proposal, view: UInt64, justification: [ViewChange] = [], by index: Int? = nil
    ) -> Message {
        let ballot = Ballot(
            height: proposal.height, view: view, proposalDigest: proposal.digest)
        let signer = keys[index ?? proposer(view)]
        let statement = ballot.proposeStatement(manifest: manifest.digest)
        return .propose(
            Propose(
                view: view, proposal: proposal, signature: signer.signature(for: statement),
                justification: justification.sorted { $0.member < $1.member }))
    }

    func commit(_ proposal: Proposal, view: UInt64, by index: Int) -> Message {
        let ballot = Ballot(
            height: proposal.height, view: view, proposalDigest: proposal.digest)
        let statement = ballot.commitStatement(manifest: manifest.digest)
        return .commit(
            Commit(
                ballot: ballot, member: keys[index].publicKey,
                signature: keys[index].signature(for: statement)))
    }

    func viewChange(
        _ view: UInt64, committed: (view: UInt64, proposal: Proposal)? = nil, by index: Int
    ) -> ViewChange {
        let what = committed.map {
            ViewChange.Committed(view: $0.view, proposalDigest: $0.proposal.digest)
        }
        let statement = ViewChange.statement(
            manifest: manifest.digest, height: 2, view: view, committed: what)
        return ViewChange(
            height: 2, view: view, member: keys[index].publicKey, committed: what,
            signature: keys[index].signature(for: statement))
    }

    /// Reports every wanted update of a proposal as fetched and sound.
    mutating func supply(_ proposal: Proposal) {
        for participant in proposal.participants {
            tell(
                .objectFetched(
                    participant.summary.objectID, .update(.success(participant.summary))))
        }
    }

    /// The commits that were sent, without repetitions.
    var ownCommits: Set<Ballot> {
        Set(
            sent.compactMap { message in
                if case .commit(let commit) = message, commit.member == keys[0].publicKey {
                    commit.ballot
                } else {
                    nil
                }
            })
    }
}
