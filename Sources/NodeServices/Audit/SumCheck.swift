internal import Cryptography
internal import Federation
internal import LibP2P

/// Computes a certified round again from the updates in a store.
struct SumCheck: Sendable {
    /// What came of it.
    enum Outcome: Sendable {
        /// The updates give the certified sum and adapter.
        case holds
        /// Not all that it takes is here any more; what is not.
        case incomplete([String])
        /// They don't, or one of them could never have been summed.
        case fails(String)
    }

    let manifest: SignedManifest
    let entry: CertifiedEntry
    let store: NodeStore
    /// What the log says that a secure round's sum was opened from.
    var transcript: ObjectID?

    /// Reads the round's updates, one after the other, and sums them.
    ///
    /// - Throws: ``NodeError`` when the store can't be read.
    func run() async throws(NodeError) -> Outcome {
        let proposal = entry.proposal
        if let secure = proposal.secure { return try await runSecure(secure) }
        var missing: [String] = []
        let base = try await store.object(proposal.baseAdapterDigest)
        if base == nil { missing.append("the base adapter \(proposal.baseAdapterDigest)") }
        for participant in proposal.participants
        where try await !store.holdsObject(participant.summary.objectID) {
            missing.append(
                "the update \(participant.summary.objectID) of "
                    + "\(PeerID(publicKey: participant.summary.member))")
        }
        guard let base, missing.isEmpty else { return .incomplete(missing) }
        guard ContentAddress.id(of: base) == proposal.baseAdapterDigest else {
            return fails("the stored base adapter has other bytes than its address says")
        }
        do {
            return try await compare(onto: base)
        } catch let error as NodeError {
            throw error
        } catch {
            return fails("a stored update can't be summed: \(error)")
        }
    }

    private func compare(onto base: [UInt8]) async throws -> Outcome {
        let participants = entry.proposal.participants.map(\.summary)
        let round = AggregationRound(
            manifest: manifest, layout: try ConsensusState.layout(of: base),
            round: entry.proposal.round)
        var sum = try RoundSum(round, base: base, participants: participants)
        var isFirstPass = true
        while sum.needsPass {
            for participant in participants {
                let bytes = try await store.requiredObject(participant.objectID)
                if isFirstPass {
                    guard ContentAddress.id(of: bytes) == participant.objectID else {
                        return fails("a stored update has other bytes than its address says")
                    }
                    try check(bytes, as: participant, in: round)
                }
                try sum.add(bytes)
            }
            try sum.endPass()
            isFirstPass = false
        }
        guard sum.aggregate.sumDigest == entry.result.sumDigest else {
            return fails("the sum of the updates is not the certified one")
        }
        let adapter = ContentAddress.id(of: AdapterStateCodec.encode(sum.aggregate.adapter))
        guard adapter == entry.result.adapterDigest else {
            return fails("the adapter that follows is not the certified one")
        }
        return .holds
    }

    /// An update of the sum must be what every member had to check before it signed.
    private func check(
        _ bytes: [UInt8], as summary: UpdateSummary, in round: AggregationRound
    ) throws(RejectReason) {
        let verdict = UpdateInspector.check(
            bytes, manifest: manifest, layout: round.layout, round: round.round,
            base: summary.baseAdapterDigest, member: summary.member)
        guard try verdict.get() == summary else { throw .updateNotAsAnnounced }
    }

    func fails(_ reason: String) -> Outcome {
        .fails("round \(entry.proposal.round): \(reason)")
    }
}
