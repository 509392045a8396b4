internal import Cryptography
internal import LibP2P

@testable internal import Federation

/// Messages of the federation: the input as one of them, and as frames behind their lengths that
/// two members send to a node in turn.
enum MessageDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let federation = SampleFederation.self
        let manifest = federation.manifest
        let proposal = federation.proposal
        let ballot = Ballot(height: 2, view: 0, proposalDigest: proposal.digest)
        let member = federation.keys[1]
        let commit = Commit(
            ballot: ballot, member: member.publicKey,
            signature: member.signature(for: ballot.commitStatement(manifest: manifest.digest)))
        let result = SignedResult(
            height: 2, proposalDigest: proposal.digest, sumDigest: .zero,
            adapterDigest: federation.adapterDigest, membersDigest: .zero,
            member: member.publicKey, signature: commit.signature)
        let join = SignedJoin(manifest: manifest.digest, height: 1, signer: Samples.keys[3])
        let change = ViewChange(
            height: 2, view: 1, member: member.publicKey, committed: nil,
            signature: member.signature(
                for: ViewChange.statement(
                    manifest: manifest.digest, height: 2, view: 1, committed: nil)))
        let hello = Hello(
            protocolVersion: FederationProtocol.version, manifestDigest: manifest.digest,
            baseModelDigest: manifest.manifest.baseModelDigest, publicKey: member.publicKey,
            height: 1, headDigest: federation.entry.digest)
        let messages: [Message] = [
            .hello(hello), .refuse(.malformed),
            .status(StatusReport(height: 1, headDigest: federation.entry.digest)), .join(join),
            .announcement(federation.announcement(1)),
            .propose(
                Propose(
                    view: 0, proposal: proposal,
                    signature: member.signature(
                        for: ballot.proposeStatement(manifest: manifest.digest)),
                    justification: [change])),
            .commit(commit), .viewChange(change, proposal: nil),
            .decision(
                Decision(
                    proposal: proposal,
                    certificate: CommitCertificate(
                        view: 0,
                        signatures: [.init(member: commit.member, signature: commit.signature)]))),
            .result(result), .chainRequest(fromHeight: 1), .chain([federation.entry.bytes]),
            .manifestRequest, .manifestReply(manifest.bytes), .stateRequest,
            .stateReply(StateReply(latest: federation.announcement(1), yours: nil)),
            .roster(RosterShare(joins: [join], leaves: [])),
        ]
        let encoded = messages.map { MessageCodec.encode($0) }
        return encoded + [encoded.flatMap { LengthPrefixedDecoder.encode($0) }]
    }

    static func read(_ input: [UInt8]) {
        if let message = try? MessageCodec.decode(input) {
            let bytes = MessageCodec.encode(message)
            precondition((try? MessageCodec.decode(bytes)) == message, "a message differs")
        }
        _ = try? ManifestExchange.signedManifest(in: input)
        var instance = SampleFederation.instance
        var milliseconds: UInt64 = 1000
        var frames = [input]
        var decoder = LengthPrefixedDecoder(byteCountMax: FederationProtocol.messageByteCountMax)
        decoder.append(input)
        while frames.count < 32, let frame = try? decoder.next() { frames.append(frame) }
        for (index, frame) in frames.enumerated() {
            let sender = SampleFederation.keys[1 + index % 2].publicKey
            milliseconds += 250
            let now = Timestamp(milliseconds: milliseconds)
            _ = instance.handle(.received(from: sender, bytes: frame), now: now)
            _ = instance.handle(.tick, now: now)
            for size in instance.boundedSizes {
                precondition(size.count <= size.bound, "\(size.name): \(size.count)")
            }
        }
    }
}
