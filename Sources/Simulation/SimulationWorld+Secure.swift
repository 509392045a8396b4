internal import Cryptography
internal import Federation

/// What secure rounds ask of a shell, and what must hold of the sums that they open.
extension SimulationWorld {
    /// Spans short enough that a round with failures takes a simulated minute.
    private static var timing: SecureTiming {
        var timing = SecureTiming()
        timing.joinSeconds = 4
        timing.stepSeconds = 3
        timing.fallbackSeconds = 1
        timing.dataSeconds = 3
        timing.signatureSeconds = 3
        timing.certificateSeconds = 30
        return timing
    }

    /// The secrets of a node's life follow from the seed, and no two lives have the same.
    func secureSetup(_ node: Int) -> SecureRoundSetup? {
        guard scenario.secure != nil else { return nil }
        let text = "secrets \(seed) \(node) \(nodes[node].life)"
        return SecureRoundSetup(
            layout: layout, zeroSeconds: 1_700_000_000, timing: Self.timing
        ) { round in
            RoundSecrets(
                seed: SecretBytes(
                    copying: Hashing.blake2b256(Array("\(text) \(round)".utf8)).bytes))
        }
    }

    /// The kill that is due before that directive.
    func frameKill(
        of node: Int, before directive: Directive
    ) -> SimulationScenario.FrameKill? {
        guard case .sendFrame(_, let bytes) = directive else { return nil }
        let kind = SecureInspection.kind(of: bytes)
        let round = nodes[node].store.entries.last
            .flatMap { try? CertifiedEntry(bytes: $0) }?.proposal.round
        return scenario.frameKills.first { kill in
            kill.node == node && kill.kind == kind && kill.round == (round ?? 0) + 1
                && !doneFrameKills.contains(kill)
        }
    }

    mutating func handIn(
        _ update: AdapterUpdate, round: UInt64, node: Int
    ) throws(SimulationFailure) {
        let step = AggregationRound(manifest: manifest, layout: layout, round: round)
        guard let bytes = nodes[node].store.objects[update.baseAdapterDigest],
            let base = try? AdapterStateCodec.decode(bytes)
        else { throw .brokenStore(node: node, object: update.baseAdapterDigest) }
        let words: [UInt32]
        do {
            words = try step.secureWords(of: update, onto: base)
        } catch {
            preconditionFailure("a stub update makes no vector: \(error)")
        }
        let contribution = SecureContribution(
            baseAdapterDigest: update.baseAdapterDigest, words: words,
            weight: update.exampleCount)
        contributions[nodes[node].key.publicKey, default: [:]][round] = contribution
        try tell(node, .contributionReady(round: round, contribution))
    }

    /// A sum must be that of what its participants handed in, in this round or in one before that
    /// nothing left.
    func check(_ order: SumOrder, node: Int) throws(SimulationFailure) {
        let expected = try sum(
            of: order.sum.participants, count: order.sum.words.count, round: order.round,
            base: order.baseAdapterDigest, node: node)
        guard expected.words == order.sum.words, expected.weight == order.sum.weight else {
            throw .wrongSum(node: node, round: order.round)
        }
        // Whoever was not there must come to the same.
        guard let bytes = order.transcript, let transcript = try? SecureTranscript(bytes: bytes),
            let again = try? transcript.open(manifest: manifest, round: order.round),
            again == order.sum
        else { throw .wrongSum(node: node, round: order.round) }
    }

    /// The same of the sum of a group.
    func check(
        _ bytes: [UInt8], _ summary: UpdateSummary, node: Int
    ) throws(SimulationFailure) {
        guard let group = try? GroupSum(bytes: bytes, byteCountMax: .max) else {
            throw .brokenStore(node: node, object: summary.objectID)
        }
        let expected = try sum(
            of: group.participants, count: group.words.count, round: group.round,
            base: group.baseAdapterDigest, node: node)
        guard expected.words == group.words, expected.weight == group.weight else {
            throw .wrongSum(node: node, round: group.round)
        }
    }

    private func sum(
        of participants: [PublicKey], count: Int, round: UInt64, base: ObjectID, node: Int
    ) throws(SimulationFailure) -> (words: [UInt32], weight: UInt32) {
        var words = [UInt32](repeating: 0, count: count)
        var weight: UInt32 = 0
        for member in participants {
            let handedIn = contributions[member]?.filter { $0.key <= round }
                .max { $0.key < $1.key }
            guard let contribution = handedIn?.value,
                contribution.baseAdapterDigest == base, contribution.words.count == count
            else { throw .wrongSum(node: node, round: round) }
            for (place, word) in contribution.words.enumerated() { words[place] &+= word }
            weight &+= UInt32(contribution.weight)
        }
        return (words, weight)
    }

    mutating func sumEnds(_ node: Int, _ order: SumOrder) throws(SimulationFailure) {
        guard let baseBytes = nodes[node].store.objects[order.baseAdapterDigest],
            let base = try? AdapterStateCodec.decode(baseBytes)
        else { throw .brokenStore(node: node, object: order.baseAdapterDigest) }
        let aggregate: Aggregate
        do throws(RejectReason) {
            let round = AggregationRound(
                manifest: manifest, layout: layout, round: order.round)
            aggregate = try round.aggregate(order.sum, onto: base)
        } catch {
            try tell(node, .sumRefused(height: order.height, error))
            return
        }
        let bytes = AdapterStateCodec.encode(aggregate.adapter)
        let digest = Hashing.blake2b256(bytes)
        nodes[node].store.objects[digest] = bytes
        let outcome = AggregateOutcome(sumDigest: aggregate.sumDigest, adapterDigest: digest)
        try tell(node, .aggregated(height: order.height, outcome: outcome))
    }
}
