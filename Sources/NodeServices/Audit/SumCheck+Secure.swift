internal import Cryptography
internal import Federation

/// A secure round opened again from the masked sums and reveals that this node opened it from.
extension SumCheck {
    /// Compares what comes out with what was certified.
    ///
    /// - Throws: ``NodeError`` when the store can't be read.
    func runSecure(_ secure: SecureRoundOutcome) async throws(NodeError) -> Outcome {
        guard case .summed(let summary) = secure else {
            return entry.result.adapterDigest == entry.proposal.baseAdapterDigest
                ? .holds : fails("it has no sum and changed the adapter")
        }
        guard let transcript else {
            return .incomplete(["the masked sum, which this node did not open"])
        }
        let bytes = try await store.object(transcript)
        let base = try await store.object(entry.proposal.baseAdapterDigest)
        var missing: [String] = []
        if bytes == nil { missing.append("the masked sum and reveals \(transcript)") }
        if base == nil { missing.append("the base adapter \(entry.proposal.baseAdapterDigest)") }
        guard let bytes, let base else { return .incomplete(missing) }
        guard ContentAddress.id(of: bytes) == transcript else {
            return fails(Self.damage(bytes, manifest: manifest, round: entry.proposal.round))
        }
        guard ContentAddress.id(of: base) == entry.proposal.baseAdapterDigest else {
            return fails("the stored base adapter has other bytes than its address says")
        }
        let sum: SecureSum
        do throws(SecureTranscript.Failure) {
            sum = try SecureTranscript(bytes: bytes).open(
                manifest: manifest, round: entry.proposal.round)
        } catch {
            return fails("the masked sum and reveals do not hold: \(error.sentence)")
        }
        guard sum.participants == summary.participants, sum.weight == summary.weight,
            sum.digest == summary.totalDigest
        else { return fails("what the reveals open is not the certified sum") }
        do {
            return try compare(sum, onto: base)
        } catch {
            return fails("the opened sum makes no adapter: \(error)")
        }
    }

    private func compare(_ sum: SecureSum, onto base: [UInt8]) throws -> Outcome {
        let aggregate = try AggregationRound(
            manifest: manifest, layout: try ConsensusState.layout(of: base),
            round: entry.proposal.round
        ).aggregate(sum, onto: try AdapterStateCodec.decode(base))
        guard aggregate.sumDigest == entry.result.sumDigest else {
            return fails("the opened sum is not the certified one")
        }
        let adapter = ContentAddress.id(of: AdapterStateCodec.encode(aggregate.adapter))
        guard adapter == entry.result.adapterDigest else {
            return fails("the adapter that follows is not the certified one")
        }
        return .holds
    }

    /// What a changed object shows: the part that the change is in, where the rest still tells.
    private static func damage(
        _ bytes: [UInt8], manifest: SignedManifest, round: UInt64
    ) -> String {
        let reason = "the stored masked sum and reveals have other bytes than the log says"
        do throws(SecureTranscript.Failure) {
            _ = try SecureTranscript(bytes: bytes).open(manifest: manifest, round: round)
            return reason
        } catch {
            return "\(reason): \(error.sentence)"
        }
    }
}
