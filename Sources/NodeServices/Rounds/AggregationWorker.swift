internal import Cryptography
internal import Federation
internal import Storage
internal import Tensors

/// Checks updates and sums them, on a thread of its own.
actor AggregationWorker {
    private nonisolated let executor = SerialThreadExecutor(name: "aggregation")
    private let manifest: SignedManifest
    private let layout: AdapterLayout
    private let store: NodeStore

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Makes a worker for adapters of that layout.
    init(manifest: SignedManifest, layout: AdapterLayout, store: NodeStore) {
        self.manifest = manifest
        self.layout = layout
        self.store = store
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
        (try? AdapterStateCodec.decode(bytes, layout: layout)) != nil
    }

    /// Sums the participants' updates onto the base and stores the new adapter.
    ///
    /// - Throws: when an object is missing or doesn't hold, or the store fails.
    func aggregate(_ order: AggregationOrder) async throws -> AggregateOutcome {
        let base = try AdapterStateCodec.decode(
            await store.requiredObject(order.baseAdapterDigest), layout: layout
        )
        var sum = FactorMean(manifest: manifest.manifest, layout: layout)
        for participant in order.participants {
            let bytes = try await store.requiredObject(participant.objectID)
            try sum.add(
                AdapterUpdateCodec.decode(
                    bytes, byteCountMax: manifest.manifest.updateByteCountMax
                )
            )
        }
        let aggregate = try sum.finish(base: base)
        let adapter = try await store.storeObject(AdapterStateCodec.encode(aggregate.adapter))
        return AggregateOutcome(sumDigest: aggregate.sumDigest, adapterDigest: adapter)
    }
}
