internal import Cryptography
internal import Federation
internal import Kernels
internal import Logging
internal import Storage

/// Checks updates and sums them, on a thread of its own.
actor AggregationWorker {
    private nonisolated let executor = SerialThreadExecutor(name: "aggregation")
    private let manifest: SignedManifest
    private let layout: AdapterLayout
    private let store: NodeStore
    private let logger: Logger
    /// Nil in a federation that certifies.
    private let inspector: StateInspector?
    /// The bytes of an adapter state at most.
    nonisolated let stateByteCountMax: Int
    /// The share of a pair's squared singular values that a round may drop before the log says so.
    ///
    /// 1 %: above it the rank that travels is too low for what the members learn.
    private static let droppedEnergyMax = 0.01

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Makes a worker for adapters of that layout.
    init(
        manifest: SignedManifest, layout: AdapterLayout, store: NodeStore,
        inspector: StateInspector? = nil, logger: Logger
    ) {
        self.manifest = manifest
        self.layout = layout
        self.store = store
        self.logger = logger
        self.inspector = inspector
        stateByteCountMax = layout.stateByteCount(under: manifest.manifest.aggregation)
    }

    /// Decides whether an update's bytes may be summed.
    func inspect(
        _ bytes: [UInt8], announced: UpdateSummary
    ) -> Result<UpdateSummary, RejectReason> {
        let verdict = UpdateInspector.check(
            bytes, manifest: manifest, layout: layout, round: announced.round,
            base: announced.baseAdapterDigest, member: announced.member
        )
        if case .success(let summary) = verdict, summary != announced {
            return .failure(.updateNotAsAnnounced)
        }
        return verdict
    }

    /// Whether bytes are an adapter state of the federation's layout.
    func isAdapterState(_ bytes: [UInt8]) -> Bool {
        (try? ConsensusState(bytes: bytes, layout: layout)) != nil
    }

    /// Sums the participants' updates onto the base, one after the other, and stores the new
    /// adapter.
    ///
    /// - Throws: when an object is missing or doesn't hold, or the store fails.
    func aggregate(_ order: AggregationOrder) async throws -> AggregateOutcome {
        // What it was made of goes back to the system before the next round trains.
        defer { FloatBuffer.releaseFreeMemory() }
        let round = AggregationRound(manifest: manifest, layout: layout, round: order.round)
        var sum = try RoundSum(
            round, base: await store.requiredObject(order.baseAdapterDigest),
            participants: order.participants)
        while sum.needsPass {
            for participant in order.participants {
                try sum.add(await store.requiredObject(participant.objectID))
            }
            try sum.endPass()
        }
        let aggregate = sum.aggregate
        if aggregate.droppedEnergy > Self.droppedEnergyMax {
            logger.warning(
                "the adapter's rank is too low for what the members learn",
                metadata: [
                    "round": "\(order.round)", "dropped_share": "\(aggregate.droppedEnergy)",
                ])
        }
        let adapter = try await store.storeObject(AdapterStateCodec.encode(aggregate.adapter))
        return AggregateOutcome(sumDigest: aggregate.sumDigest, adapterDigest: adapter)
    }

    /// Checks the sum that a secure round opened, adds its mean to the base and stores the new
    /// adapter; a failure is the sum's, the same on every node.
    ///
    /// - Throws: when the base is missing or the store fails.
    func aggregate(
        _ order: SumOrder
    ) async throws -> Result<AggregateOutcome, RejectReason> {
        let base = try AdapterStateCodec.decode(
            await store.requiredObject(order.baseAdapterDigest))
        let aggregate: Aggregate
        do throws(RejectReason) {
            aggregate = try AggregationRound(
                manifest: manifest, layout: layout, round: order.round
            ).aggregate(order.sum, onto: base)
        } catch {
            return .failure(error)
        }
        if let transcript = order.transcript {
            try await store.storeTranscript(transcript, round: order.round)
        }
        let adapter = try await store.storeObject(AdapterStateCodec.encode(aggregate.adapter))
        return .success(
            AggregateOutcome(sumDigest: aggregate.sumDigest, adapterDigest: adapter))
    }

    // MARK: - Gossip

    /// Decides whether a member's state may be averaged.
    func inspectState(
        _ bytes: [UInt8], announced: UpdateSummary
    ) throws -> Result<UpdateSummary, RejectReason> {
        try requiredInspector.verdict(on: bytes, announced: announced)
    }

    /// Averages the own state and what arrived, and stores the outcome.
    ///
    /// - Throws: when an object is missing or doesn't hold, or the store fails.
    func mix(_ order: MixOrder) async throws -> MixOutcome {
        defer { FloatBuffer.releaseFreeMemory() }
        let inspector = try requiredInspector
        let own = try AdapterStateCodec.decode(
            await store.requiredObject(order.ownState), layout: layout)
        var inputs: [StateView] = []
        for input in order.inputs {
            inputs.append(
                try inspector.view(
                    await store.requiredObject(input.objectID), announced: input))
        }
        let mix = StateMix(manifest: manifest.manifest, layout: layout)
        let parts = try mix.parts(of: order, own: own, inputs: inputs)
        let mean = try mix.mean(of: parts, round: order.newestRound)
        if mean.droppedEnergy > Self.droppedEnergyMax {
            logger.warning(
                "the adapter's rank is too low for what the members learn",
                metadata: [
                    "round": "\(order.round)", "dropped_share": "\(mean.droppedEnergy)",
                ])
        }
        let distance = try ConsensusDistance(
            of: parts, order: order, layout: layout)
        let adapter = try await store.storeObject(AdapterStateCodec.encode(mean.state))
        return MixOutcome(
            adapterDigest: adapter, distance: distance, droppedEnergy: mean.droppedEnergy)
    }

    private var requiredInspector: StateInspector {
        get throws(NodeError) {
            guard let inspector else {
                throw NodeError(.refused, "The manifest's federation averages no states.")
            }
            return inspector
        }
    }
}
