public import Cryptography
public import Tensors

extension UpdateQuantizer {
    /// What a member trained in a round.
    public struct TrainedDelta: Sendable {
        /// Trained minus start; names and shapes of the adapter, whole tensors.
        public let delta: NamedTensors
        /// The part of it that was trained.
        public let selection: TensorSelection
        /// The examples that training saw.
        public let exampleCount: Int
        /// The optimizer steps.
        public let stepCount: Int

        /// Collects the fields.
        public init(
            delta: NamedTensors, selection: TensorSelection, exampleCount: Int, stepCount: Int
        ) {
            self.delta = delta
            self.selection = selection
            self.exampleCount = exampleCount
            self.stepCount = stepCount
        }
    }

    /// Quantises the trained part of a delta in the manifest's wire form.
    ///
    /// The short forms round to the nearest and leave the rest to the feedback; ring integers are
    /// rounded by chance and leave none.
    ///
    /// - Throws: `updateNonFinite` for a value that is not finite, `updateWeightInvalid` for an
    ///   example count outside 1...W, `updateStepsInvalid` for a step count outside a round's.
    /// - Complexity: O(elements).
    public func quantize(
        _ trained: TrainedDelta, round: UInt64, base: ObjectID, member: PublicKey,
        feedback: inout ErrorFeedback, using generator: inout some RandomNumberGenerator
    ) throws(RejectReason) -> Quantized {
        guard (1...manifest.ring.weightUnit).contains(trained.exampleCount) else {
            throw .updateWeightInvalid
        }
        guard (1...manifest.training.localStepCount).contains(trained.stepCount) else {
            throw .updateStepsInvalid
        }
        var parts: [(held: HeldShape, name: String, values: [Double])] = []
        var squares = 0.0
        for entry in trained.selection.entries {
            let values = Self.values(of: entry, in: trained.delta, and: feedback.residual)
            for value in values {
                guard value.isFinite else { throw .updateNonFinite }
                squares += value * value
            }
            parts.append((entry.held, entry.name, values))
        }
        let norm = squares.squareRoot()
        let isScaled = norm > manifest.normBound
        let shrink = isScaled ? manifest.normBound / norm : 1
        let ring = RingScale(manifest: manifest, weight: trained.exampleCount)
        var clippedCount = 0
        for index in parts.indices {
            parts[index].values = parts[index].values.map { value in
                if abs(value * shrink) > ring.clip { clippedCount += 1 }
                return min(max(value * shrink, -ring.clip), ring.clip)
            }
        }
        func tensors(_ rounding: FloatingPointRoundingRule) -> [AdapterUpdate.RingTensor] {
            parts.map { part in
                ring.tensor(
                    name: part.name, held: part.held, values: part.values,
                    weight: trained.exampleCount, form: manifest.aggregation.wireForm,
                    rounding: rounding, using: &generator)
            }
        }
        var rounded = tensors(.toNearestOrAwayFromZero)
        // Rounding up may have made it longer than the bound; rounding down cannot.
        if manifest.aggregation.wireForm != .ring32,
            Self.norm(of: rounded, ring) > manifest.normBound
        {
            rounded = tensors(.towardZero)
        }
        if manifest.aggregation.wireForm != .ring32 {
            for (part, tensor) in zip(parts, rounded) {
                feedback.keep(part.values, of: tensor, ring)
            }
        }
        return Quantized(
            update: AdapterUpdate(
                manifestDigest: manifestDigest, round: round, baseAdapterDigest: base,
                member: member, exampleCount: trained.exampleCount,
                stepCount: trained.stepCount, tensors: rounded),
            norm: norm, isScaledToBound: isScaled, clippedCount: clippedCount)
    }

    /// The held elements of delta and residual together.
    private static func values(
        of entry: TensorSelection.Entry, in delta: NamedTensors, and residual: NamedTensors
    ) -> [Double] {
        guard let tensor = delta[entry.name], let owed = residual[entry.name] else {
            preconditionFailure("the delta has no tensor \(entry.name)")
        }
        precondition(
            tensor.shape == entry.shape && owed.shape == entry.shape,
            "\(entry.name) has shape \(tensor.shape), not \(entry.shape)")
        var values: [Double] = []
        values.reserveCapacity(entry.held.elementCount)
        entry.held.forEach { _, whole, _ in
            values.append(Double(tensor.values[whole]) + Double(owed.values[whole]))
        }
        return values
    }

    private static func norm(
        of tensors: [AdapterUpdate.RingTensor], _ ring: RingScale
    ) -> Double {
        var squares = 0.0
        for tensor in tensors {
            for word in tensor.words {
                let value = Double(Int32(bitPattern: word)) / ring.factor
                squares += value * value
            }
        }
        return squares.squareRoot()
    }
}

extension RingScale {
    /// Clipped values as ring integers of a form.
    func tensor(
        name: String, held: HeldShape, values: [Double], weight: Int, form: WireForm,
        rounding: FloatingPointRoundingRule, using generator: inout some RandomNumberGenerator
    ) -> AdapterUpdate.RingTensor {
        guard let magnitudeMax = form.magnitudeMax else {
            return AdapterUpdate.RingTensor(
                name: name, held: held, weight: weight, form: form, steps: [],
                words: values.map { word(of: $0, using: &generator) })
        }
        var greatest = [Double](repeating: 0, count: held.heldCount)
        held.forEach { element, _, slice in
            greatest[slice] = max(greatest[slice], abs(values[element]) * factor)
        }
        let steps = greatest.map { max(1, ($0 / Double(magnitudeMax)).rounded(.up)) }
        var words: [UInt32] = []
        words.reserveCapacity(values.count)
        held.forEach { element, _, slice in
            let number = (values[element] * factor / steps[slice]).rounded(rounding)
            var word = Int64(number) * Int64(steps[slice])
            // The greatest number may lie beyond the clip by less than a step.
            if abs(word) > wordMagnitudeMax { word -= word.signum() * Int64(steps[slice]) }
            words.append(UInt32(truncatingIfNeeded: word))
        }
        return AdapterUpdate.RingTensor(
            name: name, held: held, weight: weight, form: form, steps: steps.map { UInt32($0) },
            words: words)
    }
}

extension ErrorFeedback {
    /// Keeps what a tensor on the wire lacks of the values it stands for.
    mutating func keep(
        _ values: [Double], of tensor: AdapterUpdate.RingTensor, _ ring: RingScale
    ) {
        guard var owed = residual[tensor.name] else { return }
        var kept = owed.values
        tensor.held.forEach { element, whole, _ in
            let sent = Double(Int32(bitPattern: tensor.words[element])) / ring.factor
            kept[whole] = Float(values[element] - sent)
        }
        owed.values = kept
        residual.replace(tensor.name, with: owed)
    }
}
