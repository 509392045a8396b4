internal import Cryptography
internal import Tensors

@testable internal import Federation

/// What members sign and what is kept of it: entries of the chain, proposals, results and the
/// records of the log.
enum StatementDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let entry = SampleFederation.entry
        let records: [LogRecord] = [
            .certified(entry), .updateAnnounced(SampleFederation.announcement(1)),
            .updateRefused(SampleFederation.announcement(1).summary, .updateNormExceeded),
            .aggregated(entry.result),
            .joined(member: SampleFederation.keys[1].publicKey, height: 1),
        ]
        return [
            entry.bytes, SampleFederation.proposal.canonicalBytes, entry.result.bytes,
        ] + records.map(\.payload)
    }

    static func read(_ input: [UInt8]) {
        if let entry = try? CertifiedEntry(bytes: input) {
            precondition((try? CertifiedEntry(bytes: entry.bytes)) == entry, "an entry differs")
            var chain = ChainState(genesis: SampleFederation.manifest)
            if (try? chain.verify(entry)) != nil { chain.apply(entry) }
        }
        if let proposal = try? Proposal(canonicalBytes: input) {
            precondition(proposal.canonicalBytes == input, "a proposal has two forms")
        }
        if let result = try? ResultStatement(bytes: input) {
            precondition(result.bytes == input, "a result has two forms")
        }
        if let record = try? LogRecordReader.read(input) {
            _ = LogRecordReader.isProven(
                record, by: input, manifest: SampleFederation.manifest.digest)
        }
        _ = try? MixRecord(payload: input)
        _ = try? GossipProgress(bytes: input)
        _ = try? DurableRecord.Agreement(bytes: input)
    }
}

/// Manifests, signed and bare.
enum ManifestDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        [SampleFederation.manifest.bytes, SampleFederation.manifest.manifest.canonicalBytes]
    }

    static func read(_ input: [UInt8]) {
        _ = try? SignedManifest(bytes: input)
        if let manifest = try? Manifest(canonicalBytes: input) {
            precondition(manifest.canonicalBytes == input, "a manifest has two forms")
        }
    }
}

/// Updates, adapter states and what a member remembers of its own.
enum UpdateDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let layout = SampleFederation.layout
        func update(stepCount: Int) -> AdapterUpdate {
            AdapterUpdate(
                manifestDigest: SampleFederation.manifest.digest, round: 1,
                baseAdapterDigest: SampleFederation.adapterDigest,
                member: SampleFederation.keys[1].publicKey, exampleCount: 8, stepCount: stepCount,
                tensors: layout.entries.map { entry in
                    .init(
                        name: entry.name, shape: entry.shape, weight: 8,
                        words: [UInt32](repeating: 3, count: entry.shape.elementCount))
                })
        }
        return [
            AdapterUpdateCodec.encode(update(stepCount: 0)),
            AdapterUpdateCodec.encode(update(stepCount: 4)),
            AdapterStateCodec.encode(SampleFederation.adapter),
        ]
    }

    static func read(_ input: [UInt8]) {
        if let update = try? AdapterUpdateCodec.decode(input, byteCountMax: 1 << 20) {
            precondition(AdapterUpdateCodec.encode(update) == input, "an update has two forms")
        }
        _ = try? AdapterUpdateCodec.decode(
            input, byteCountMax: 1 << 20, only: SampleFederation.layout)
        _ = UpdateInspector.check(
            input, manifest: SampleFederation.manifest, layout: SampleFederation.layout, round: 1,
            base: SampleFederation.adapterDigest, member: SampleFederation.keys[1].publicKey)
        if let tensors = try? AdapterStateCodec.decode(input) {
            precondition(AdapterStateCodec.encode(tensors) == input, "a state has two forms")
        }
        _ = try? ConsensusState(bytes: input, layout: SampleFederation.layout)
        _ = try? AdapterStateCodec.decodeAdapter(input)
        _ = try? MemoryRecord(bytes: input, layout: SampleFederation.layout)
    }
}

/// Frames of a secure round with the bodies of all kinds, and frames of words.
enum SecureDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let group = SecureFrame.noGroup
        let set = MemberSet(bits: 7)
        let digest = Samples.digest("secure")
        let deals = DealList(
            entries: (1...3).map { .init(dealer: $0, hash: [UInt8](repeating: 1, count: 16)) })
        let commit = SecureCommit(participants: set, dropped: MemberSet(), sumDigest: digest)
        let point = [UInt8](repeating: 2, count: 32)
        func frame(_ body: some SecureBody) -> [UInt8] {
            SecureFrame(
                type(of: body).kind, group: group, sender: 1, view: 0, body: body.bytes,
                signer: Samples.keys[0]
            ).bytes
        }
        return [
            frame(SecureDeal(points: [point, point])),
            frame(
                SecureShare(
                    recipient: 2, nonce: [UInt8](repeating: 3, count: 24),
                    box: [UInt8](repeating: 4, count: SecureShare.boxByteCount))),
            frame(SecureDealAck(deals: deals)), frame(SecureSurvivors(deals: deals)),
            frame(SecureMaskCommit(survivorsDigest: digest, shardHashes: [digest, digest])),
            frame(SecureReceipt(shards: [.init(shard: 1, contributors: set)])),
            frame(SecureContributors(participants: set, owners: [1, 2])),
            frame(SecureAudit(shard: 1)),
            frame(SecurePartial(shard: 1, participants: set, digest: digest)), frame(commit),
            frame(
                SecureReveal(
                    commit: commit,
                    signatures: [
                        .init(member: 1, view: 0, signature: [UInt8](repeating: 5, count: 64))
                    ], shares: [.init(member: 2, share: point)])),
            frame(SecureResult(participants: set, totalDigest: digest, adapterDigest: digest)),
            frame(SecureStatus(round: 1, manifestDigest: digest)),
            SecureDataFrame(
                .maskedShard, group: group, shard: 1, contributor: 2, words: [1, 2, 3]
            ).bytes,
        ]
    }

    static func read(_ input: [UInt8]) {
        _ = SecureInspection.statement(in: input)
        _ = SecureInspection.revealed(in: input)
        if let frame = try? SecureDataFrame(bytes: input, wordCountMax: 1_000) {
            precondition(frame.bytes == input, "a frame of words has two forms")
        }
        guard let frame = try? SecureFrame(bytes: input) else { return }
        precondition(frame.bytes == input, "a frame has two forms")
        switch frame.kind {
        case .join: check(SecureJoin.self, frame)
        case .roster: check(SecureRoster.self, frame)
        case .deal: check(SecureDeal.self, frame)
        case .share: check(SecureShare.self, frame)
        case .dealAck: check(SecureDealAck.self, frame)
        case .survivors: check(SecureSurvivors.self, frame)
        case .maskCommit: check(SecureMaskCommit.self, frame)
        case .receipt: check(SecureReceipt.self, frame)
        case .contributors: check(SecureContributors.self, frame)
        case .partial: check(SecurePartial.self, frame)
        case .commit: check(SecureCommit.self, frame)
        case .reveal: check(SecureReveal.self, frame)
        case .result: check(SecureResult.self, frame)
        case .status: check(SecureStatus.self, frame)
        case .audit: check(SecureAudit.self, frame)
        case .rosterAck: break
        }
    }

    private static func check<Body: SecureBody>(_ type: Body.Type, _ frame: SecureFrame) {
        guard let body = try? Body(frame) else { return }
        precondition(body.bytes == frame.body, "\(frame.kind) has two forms")
    }
}
