internal import Cryptography
internal import Tensors

@testable internal import Federation

/// A federation of three members whose membership is certified, and what they say in round 1.
enum SampleFederation {
    static let keys = Array(Samples.keys.prefix(3))

    static let adapter = NamedTensors([
        .init(
            name: "a", tensor: FloatTensor(shape: Shape([2, 3]), values: [1, 2, 3, 4, 5, 6])),
        .init(name: "b", tensor: FloatTensor(shape: Shape([4]), values: [0, 0, 0, 0])),
    ])
    static let layout = AdapterLayout(of: adapter)
    static let adapterDigest = AdapterStateCodec.digest(of: adapter)

    static let manifest: SignedManifest = {
        do {
            let manifest = try Manifest(
                name: "fuzz", baseModelDigest: Samples.digest("base"), baseModelName: "stub",
                tokenizerDigest: Samples.digest("tokenizer"), initialAdapterDigest: adapterDigest,
                adapter: .init(
                    rank: 8, alpha: 16, targets: ["k_proj", "q_proj"], initializationSeed: 7),
                training: .init(
                    roundCount: 3, localStepCount: 4, batchSize: 2, sequenceLength: 16,
                    learningRate: 1e-3, warmupStepCount: 2, weightDecay: 0.01),
                ring: .init(clipMagnitude: 1, weightUnit: 64), normBound: 1,
                membership: .init(startMemberCount: 3, quorumMinimum: 2),
                updateByteCountMax: layout.updateByteCount, author: keys[0].publicKey,
                createdAtSeconds: 1_700_000_000)
            return try SignedManifest(signing: manifest, with: keys[0])
        } catch {
            preconditionFailure("the sample manifest was refused: \(error)")
        }
    }()

    static let entry: CertifiedEntry = {
        let joins = keys.dropFirst()
            .map { SignedJoin(manifest: manifest.digest, height: 0, signer: $0) }
            .sorted { $0.member < $1.member }
        let proposal = Proposal(
            manifestDigest: manifest.digest, height: 1, previousDigest: manifest.digest,
            kind: .membership, baseAdapterDigest: adapterDigest, participants: [], absences: [],
            joins: joins, departures: [])
        let chain = ChainState(genesis: manifest)
        let result = chain.result(
            of: proposal, digest: proposal.digest,
            outcome: .init(sumDigest: .zero, adapterDigest: adapterDigest))
        let ballot = Ballot(height: 1, view: 0, proposalDigest: proposal.digest)
        func signature(_ statement: [UInt8]) -> MemberSignature {
            .init(member: keys[0].publicKey, signature: keys[0].signature(for: statement))
        }
        return CertifiedEntry(
            proposal: proposal,
            commits: CommitCertificate(
                view: 0, signatures: [signature(ballot.commitStatement(manifest: manifest.digest))]
            ), result: result, signatures: [signature(result.bytes)])
    }()

    /// A node of the first key at the start of round 1, with connections to the other two.
    static let instance: PeerInstance = {
        do {
            var instance = try PeerInstance(
                restored: RestoredState(
                    manifest: manifest, entries: [entry.bytes],
                    records: ["adapter": adapterDigest.bytes]),
                baseModelDigest: manifest.manifest.baseModelDigest, signer: keys[0],
                now: Timestamp(milliseconds: 1000))
            _ = instance.handle(.started, now: Timestamp(milliseconds: 1000))
            for key in keys.dropFirst() {
                _ = instance.handle(
                    .connected(key.publicKey), now: Timestamp(milliseconds: 1000))
            }
            return instance
        } catch {
            preconditionFailure("the sample node was refused: \(error)")
        }
    }()

    static func announcement(_ index: Int) -> SignedAnnouncement {
        let summary = UpdateSummary(
            objectID: Samples.digest("object \(index)"), member: keys[index].publicKey, round: 1,
            baseAdapterDigest: adapterDigest, exampleCount: 8, byteCount: 100)
        return SignedAnnouncement(
            manifest: manifest.digest, summary: summary, signer: keys[index])
    }

    static let proposal = Proposal(
        manifestDigest: manifest.digest, height: 2, previousDigest: entry.digest, kind: .round(1),
        baseAdapterDigest: adapterDigest,
        participants: [1, 2].map { announcement($0) }
            .sorted { $0.summary.member < $1.summary.member },
        absences: [.init(member: keys[0].publicKey, reason: .tooSlow)], joins: [], departures: [])
}
