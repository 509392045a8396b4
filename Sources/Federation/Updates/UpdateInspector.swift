public import Cryptography
internal import Tensors

/// Decides whether an update object may be summed.
///
/// Every node comes to the same verdict on the same bytes: the only floating-point work is in one
/// fixed order.
public enum UpdateInspector {
    /// Checks an update object against the round it is to be part of; where rounds have groups, the
    /// object of a group's sum.
    ///
    /// - Complexity: O(bytes).
    public static func check(
        _ bytes: [UInt8], manifest: SignedManifest, layout: AdapterLayout, round: UInt64,
        base: ObjectID, member: PublicKey
    ) -> Result<UpdateSummary, RejectReason> {
        do throws(RejectReason) {
            let limit = manifest.manifest.updateByteCountMax
            if manifest.manifest.groupMemberCount != nil {
                try GroupSum(bytes: bytes, byteCountMax: limit).check(
                    manifest: manifest, layout: layout, round: round, base: base)
                return .success(
                    GroupSum.summary(of: bytes, member: member, round: round, base: base))
            }
            let update = try AdapterUpdateCodec.decode(bytes, byteCountMax: limit)
            guard update.manifestDigest == manifest.digest else { throw .manifestMismatch }
            guard update.round == round else { throw .updateWrongRound }
            guard update.baseAdapterDigest == base else { throw .updateWrongBase }
            guard update.member == member else { throw .updateNotAsAnnounced }
            try check(update, manifest: manifest.manifest, layout: layout)
            try checkMethod(update, manifest: manifest.manifest, layout: layout)
            return .success(update.summary(bytes: bytes))
        } catch {
            return .failure(error)
        }
    }

    /// Checks the tensors: names, shapes, directions, weights, the ring bound of each word and the
    /// norm bound of the whole delta.
    ///
    /// Stochastic rounding moves each element by less than one step of the ring; the slack of
    /// the norm is that step for every element, and 2^-10 for the arithmetic.
    static func check(
        _ update: AdapterUpdate, manifest: Manifest, layout: AdapterLayout
    ) throws(RejectReason) {
        guard (1...manifest.ring.weightUnit).contains(update.exampleCount),
            !update.tensors.isEmpty
        else { throw .updateWeightInvalid }
        let isFirst = manifest.version == Manifest.firstVersion
        guard isFirst == (update.stepCount == 0),
            update.stepCount <= manifest.training.localStepCount
        else { throw .updateStepsInvalid }
        for tensor in update.tensors {
            guard let shape = layout.shape(of: tensor.name) else { throw .updateUnknownTensor }
            guard shape == tensor.shape else { throw .updateShapeMismatch }
        }
        if !isFirst { try checkHeld(update, manifest: manifest, layout: layout) }
        try checkWords(update, manifest: manifest)
    }

    /// Checks that the update is of one method: READ's tensors, all of them, or the others.
    private static func checkMethod(
        _ update: AdapterUpdate, manifest: Manifest, layout: AdapterLayout
    ) throws(RejectReason) {
        guard manifest.read != nil else { return }
        let prefix = Manifest.READSettings.namePrefix
        let count = update.tensors.count { $0.name.hasPrefix(prefix) }
        guard count > 0 else { return }
        let expected = layout.entries.count { $0.name.hasPrefix(prefix) }
        guard count == update.tensors.count, count == expected else {
            throw .updateMethodInvalid
        }
    }

    private static func checkWords(
        _ update: AdapterUpdate, manifest: Manifest
    ) throws(RejectReason) {
        var squares = 0.0
        var slackSquares = 0.0
        for tensor in update.tensors {
            guard (1...update.exampleCount).contains(tensor.weight) else {
                throw .updateWeightInvalid
            }
            let ring = RingScale(manifest: manifest, weight: tensor.weight)
            var wordSquares = 0.0
            for word in tensor.words {
                let value = Int64(Int32(bitPattern: word))
                guard abs(value) <= ring.wordMagnitudeMax else { throw .updateRingOverflow }
                wordSquares += Double(value) * Double(value)
            }
            let step = 1 / ring.factor
            squares += wordSquares * step * step
            slackSquares += Double(tensor.words.count) * step * step
        }
        let allowed = manifest.normBound * (1 + 0x1p-10) + slackSquares.squareRoot()
        guard squares.squareRoot() <= allowed else { throw .updateNormExceeded }
    }

    /// Checks what only the second layout says: the form, and which directions are held.
    ///
    /// They must be the ones that the aggregator gives a member that trains so many in this round,
    /// in both halves of a pair, and no half may be there that this round does not train.
    private static func checkHeld(
        _ update: AdapterUpdate, manifest: Manifest, layout: AdapterLayout
    ) throws(RejectReason) {
        guard let aggregator = AggregatorRegistry.all[manifest.aggregation.aggregator] else {
            throw .manifestMismatch
        }
        let pairing = AdapterPairing(of: layout)
        var held = [AdapterUpdate.RingTensor?](repeating: nil, count: layout.entries.count)
        for tensor in update.tensors {
            guard tensor.form == manifest.aggregation.wireForm else { throw .updateFormInvalid }
            guard let index = layout.index(of: tensor.name) else { throw .updateUnknownTensor }
            held[index] = tensor
            let role = pairing.role(of: index)
            guard tensor.axis == role?.factor.axis else { throw .updateDirectionsInvalid }
            if let role, !aggregator.trains(role.factor, inRound: update.round) {
                throw .updateFrozenTensor
            }
        }
        let draw = DirectionDraw(
            manifestDigest: manifest.drawingDigest(of: update.manifestDigest),
            round: update.round, member: update.member)
        for pair in pairing.pairs {
            let trained = AdapterFactor.allCases.filter {
                aggregator.trains($0, inRound: update.round)
            }
            let tensors = trained.map { held[$0 == .input ? pair.input : pair.output] }
            guard let first = tensors.first, let tensor = first else {
                guard tensors.allSatisfy({ $0 == nil }) else { throw .updateDirectionsInvalid }
                continue
            }
            let directions = tensor.directions ?? Array(0..<pair.rank)
            let expected = aggregator.directions(directions.count, of: pair, draw: draw)
            guard directions == expected,
                tensors.allSatisfy({
                    $0?.directions == tensor.directions && $0?.weight == tensor.weight
                })
            else { throw .updateDirectionsInvalid }
        }
    }
}
