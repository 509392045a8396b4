public import Cryptography
public import Tensors

/// The aggregation of one round as a node goes through it; pure, and the same on every node.
///
/// In order:
///
/// 1. ``select(member:capacity:)``: which directions of which tensors this node trains. Everyone
///    can repeat the choice, and the inspector does.
/// 2. ``begin(_:selection:)``: the adapter that training starts from. Train it with fresh moments,
///    gradients and moments for the selection only: rows of A and columns of B that are not
///    selected stay in the forward product as they are. Pull each gradient to this start with the
///    settings' proximal strength, and correct each step with the memory's ``ControlVariate``.
/// 3. Trained minus start goes through ``UpdateQuantizer/quantize(_:round:base:member:feedback:using:)``
///    with the node's ``ErrorFeedback``, the steps done and the examples seen.
/// 4. ``RoundSum`` with the updates of the decided participants, read one after the other, or
///    ``aggregate(_:onto:)`` where all are in memory: the next consensus. The outer step is part of
///    it, for its bytes are certified.
/// 5. ``remember(_:own:from:to:)`` once the entry is certified: what the node keeps for the next
///    round, turned into the new adapter's basis.
///
/// What lies between two rounds is a ``ConsensusState``, whose tensors are the object that entries
/// name: read them with ``ConsensusState/init(_:layout:)`` and not as a bare adapter. `layout` is
/// always the bare adapter's.
public struct AggregationRound: Sendable {
    /// The federation's settings.
    public let manifest: SignedManifest
    /// The layout of the adapter.
    public let layout: AdapterLayout
    /// The round, from 1.
    public let round: UInt64
    private let pairing: AdapterPairing
    private let aggregator: any Aggregator.Type

    /// Prepares a round.
    public init(manifest: SignedManifest, layout: AdapterLayout, round: UInt64) {
        self.manifest = manifest
        self.layout = layout
        self.round = round
        pairing = AdapterPairing(of: layout)
        let name = manifest.manifest.aggregation.aggregator
        guard let aggregator = AggregatorRegistry.all[name] else {
            preconditionFailure("a manifest that exists names an aggregator, not \(name)")
        }
        self.aggregator = aggregator
    }

    /// What a member trains and sends.
    ///
    /// Under a manifest of version 1 that is every tensor, whole, whatever the capacity.
    ///
    /// - Complexity: O(tensors + pairs x rank).
    public func select(member: PublicKey, capacity: TrainingCapacity) -> TensorSelection {
        let isFirst = manifest.manifest.version == Manifest.firstVersion
        let draw = DirectionDraw(
            manifestDigest: manifest.manifest.drawingDigest(of: manifest.digest), round: round,
            member: member)
        let entries = layout.entries.enumerated().compactMap {
            index, entry -> TensorSelection.Entry? in
            guard !isFirst, let (pair, factor) = pairing.role(of: index) else {
                let isHeld = isFirst || capacity.heldNames?.contains(entry.name) != false
                return isHeld
                    ? .init(name: entry.name, axis: nil, directions: nil, shape: entry.shape)
                    : nil
            }
            let isHeld =
                capacity.heldNames.map { names in
                    [pair.input, pair.output].allSatisfy {
                        names.contains(layout.entries[$0].name)
                    }
                } ?? true
            let chosen = aggregator.directions(capacity.rank, of: pair, draw: draw)
            guard isHeld, aggregator.trains(factor, inRound: round), !chosen.isEmpty else {
                return nil
            }
            return .init(
                name: entry.name, axis: factor.axis,
                directions: chosen.count == pair.rank ? nil : chosen, shape: entry.shape)
        }
        return TensorSelection(entries: entries)
    }

    /// The adapter that training starts from.
    ///
    /// - Throws: `updateShapeMismatch` for tensors of another layout.
    public func begin(
        _ consensus: NamedTensors, selection: TensorSelection
    ) throws(RejectReason) -> NamedTensors {
        let state = try ConsensusState(consensus, layout: layout)
        return aggregator.start(from: state.adapter, selection: selection)
    }

    /// An empty sum of the manifest's kind.
    public func makeAggregator() -> any Aggregator { makeAggregator(of: layout) }

    /// The same over a part of the layout.
    func makeAggregator(of layout: AdapterLayout) -> any Aggregator {
        manifest.manifest.aggregation.robustness == nil
            ? aggregator.init(manifest: manifest.manifest, layout: layout)
            : RobustMean(manifest: manifest.manifest, layout: layout)
    }

    /// Whether the sum needs the updates of all members at once.
    var holdsUpdates: Bool {
        manifest.manifest.aggregation.robustness != nil
            || aggregator.holdsUpdates(under: manifest.manifest.aggregation)
    }

    /// The next consensus from the updates of all participants.
    ///
    /// - Throws: the reason why an update or the base was refused.
    public func aggregate(
        _ updates: [AdapterUpdate], onto consensus: NamedTensors
    ) throws(RejectReason) -> Aggregate {
        var sum = makeAggregator()
        for update in updates { try sum.add(update) }
        return try sum.finish(base: consensus)
    }

    /// What a node keeps of its own between two rounds.
    public struct Memory: Hashable, Sendable {
        /// What the wire's rounding kept back.
        public var feedback: ErrorFeedback
        /// The correction of the steps.
        public var control: ControlVariate

        /// Nothing yet, on an adapter of that layout.
        public init(layout: AdapterLayout) {
            feedback = ErrorFeedback(layout: layout)
            control = ControlVariate(layout: layout)
        }

        init(feedback: ErrorFeedback, control: ControlVariate) {
            self.feedback = feedback
            self.control = control
        }
    }

    /// What a member did in a round that it took part in.
    public struct Part: Sendable {
        /// Its update.
        public let update: AdapterUpdate
        /// The learning rates of its steps together.
        public let rateSum: Double

        /// Collects the fields.
        public init(update: AdapterUpdate, rateSum: Double) {
            self.update = update
            self.rateSum = rateSum
        }
    }

    /// A node's memory after a certified round: the control variate takes the round in, and both
    /// parts are turned into the new adapter's basis where the aggregator changes it.
    ///
    /// `own` is `nil` for a node that took no part.
    ///
    /// - Throws: `updateShapeMismatch` for consensus tensors of another layout, and the reason where
    ///   the own update is none.
    public func remember(
        _ memory: Memory, own: Part?, from old: NamedTensors, to new: NamedTensors
    ) throws(RejectReason) -> Memory {
        let before = try ConsensusState(old, layout: layout).adapter
        let after = try ConsensusState(new, layout: layout).adapter
        var next = memory
        // Which aggregators keep their factors' basis follows from what they claim.
        let keepsBasis = aggregator.claims.contains(.keepsEqualFactors)
        let change = keepsBasis ? nil : BasisChange(from: before, to: after)
        if let own, manifest.manifest.aggregation.usesControlVariates {
            try UpdateInspector.check(
                own.update, manifest: manifest.manifest, layout: layout)
            // The mean change, in the old basis.
            let reached = change?.inverse(after) ?? after
            next.control.advance(
                own: own.update,
                mean: reached.subtracting(before)
                    .divided(by: manifest.manifest.aggregation.outerLearningRate),
                ring: manifest.manifest.ring, rateSum: own.rateSum)
        }
        guard let change else { return next }
        next.control = next.control.moved(by: change)
        next.feedback = next.feedback.moved(by: change)
        return next
    }
}

extension NamedTensors {
    fileprivate func divided(by divisor: Double) -> NamedTensors {
        guard divisor != 1 else { return self }
        return NamedTensors(
            elements.map { element in
                var tensor = element.tensor
                tensor.values = tensor.values.map { Float(Double($0) / divisor) }
                return .init(name: element.name, tensor: tensor)
            })
    }
}
