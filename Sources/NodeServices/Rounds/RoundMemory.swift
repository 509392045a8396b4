internal import Cryptography
internal import Federation
internal import Logging
internal import Tensors

/// Finds what a node remembers when a round begins.
///
/// It follows from records, chain and adapters that are on the disk, and from nothing else: a node
/// that ended anywhere finds the same again.
struct RoundMemory: Sendable {
    let manifest: SignedManifest
    let layout: AdapterLayout
    let store: NodeStore
    let logger: Logger

    /// A memory, and the round whose record it comes from; `nil` for a fresh one.
    struct Found: Sendable {
        var memory: AggregationRound.Memory
        var source: UInt64?
    }

    /// Whether the manifest's settings leave anything to remember.
    static func isNeeded(under manifest: Manifest) -> Bool {
        manifest.allowsParts
            && (manifest.aggregation.wireForm != .ring32
                || manifest.aggregation.usesControlVariates)
    }

    /// The memory in the basis of a round's start.
    ///
    /// It is that of the newest earlier round whose entry holds the update that was made then.
    func find(before round: UInt64, base: ObjectID) async throws -> Found {
        let fresh = Found(memory: AggregationRound.Memory(layout: layout), source: nil)
        let headers = try await store.memoryHeaders().filter { $0.round < round }
        guard !headers.isEmpty else { return fresh }
        for header in headers {
            guard let entry = try await store.entry(ofRound: header.round),
                entry.proposal.participants.contains(where: {
                    $0.summary.objectID == header.updateID
                }),
                let record = try await record(of: header.round)
            else { continue }
            guard
                let memory = try await memory(
                    after: record, adopted: entry.result.adapterDigest, base: base)
            else { return fresh }
            return Found(memory: memory, source: header.round)
        }
        return fresh
    }

    private func record(of round: UInt64) async throws -> MemoryRecord? {
        guard let bytes = try await store.memoryRecord(of: round) else { return nil }
        do {
            return try MemoryRecord(bytes: bytes, layout: layout)
        } catch {
            logger.error(
                "what was remembered of a round can't be read",
                metadata: ["round": "\(round)", "reason": "\(error)"])
            return nil
        }
    }

    /// Carries a record over its own round and to a base; nil where the adapter that it is about is
    /// not here any more.
    private func memory(
        after record: MemoryRecord, adopted: ObjectID, base: ObjectID
    ) async throws -> AggregationRound.Memory? {
        guard let start = try await state(record.baseAdapterDigest) else { return nil }
        let round = AggregationRound(manifest: manifest, layout: layout, round: record.round)
        let end = try await store.requiredObject(base)
        // A node that slept through later rounds may never have fetched the one that it was in.
        guard let after = try await state(adopted) else {
            return try round.remember(
                record.memory, own: nil, from: start, to: AdapterStateCodec.decodeAdapter(end))
        }
        var own: AggregationRound.Part?
        if let bytes = try await store.object(record.updateID) {
            let update = try AdapterUpdateCodec.decode(
                bytes, byteCountMax: manifest.manifest.updateByteCountMax)
            own = AggregationRound.Part(update: update, rateSum: record.rateSum)
        }
        let memory = try round.remember(record.memory, own: own, from: start, to: after)
        guard adopted != base else { return memory }
        return try round.remember(
            memory, own: nil, from: after, to: AdapterStateCodec.decodeAdapter(end))
    }

    private func state(_ id: ObjectID) async throws -> NamedTensors? {
        guard let bytes = try await store.object(id) else { return nil }
        return try AdapterStateCodec.decodeAdapter(bytes)
    }
}
