import Cryptography
import Federation
import Foundation
import Logging
import Storage
import Tensors

@testable import NodeServices

/// A federation of one member with a store on the disk, whose rounds are certified by the protocol
/// itself; training is a delta of random numbers.
final class LoneFederation {
    let home: NodeHome
    let manifest: SignedManifest
    let layout: AdapterLayout
    private let key: SigningKey
    private var store: NodeStore?
    private(set) var base: ObjectID

    struct Broken: Error {}

    init(_ settings: Manifest.AggregationSettings) async throws {
        home = NodeHome(
            path: FileManager.default.temporaryDirectory
                .appending(path: "starling-\(ProcessInfo.processInfo.globallyUniqueString)").path)
        try home.create()
        guard let key = SigningKey(seed: [UInt8](repeating: 5, count: 32)) else { throw Broken() }
        self.key = key
        let start = Self.tensors(seed: 1)
        layout = AdapterLayout(of: start)
        let none = Hashing.blake2b256([])
        let store = try NodeStore(home: home, access: .readWrite)
        base = try await store.storeObject(AdapterStateCodec.encode(start))
        manifest = try SignedManifest(
            signing: Manifest(
                name: "lone", baseModelDigest: none, baseModelName: "none",
                tokenizerDigest: none, initialAdapterDigest: base,
                adapter: .init(rank: 4, alpha: 8, targets: ["q_proj"], initializationSeed: 1),
                training: .init(
                    roundCount: 9, localStepCount: 4, batchSize: 2, sequenceLength: 8,
                    learningRate: 1e-2),
                ring: .init(weightUnit: 64), normBound: 100,
                membership: .init(startMemberCount: 1, quorumMinimum: 1),
                updateByteCountMax: layout.updateByteCount(under: settings),
                author: key.publicKey, createdAtSeconds: 0, aggregation: settings),
            with: key)
        self.store = store
        try await store.setLogSigner(NodeLog.signer(manifest: manifest, identity: key))
    }

    deinit {
        store = nil
        try? FileManager.default.removeItem(at: home.folder)
    }

    static func tensors(seed: UInt64, scale: Double = 1) -> NamedTensors {
        var generator = SplitMix64(seed: seed)
        func element(_ name: String, _ extents: [Int]) -> NamedTensors.Element {
            let shape = Shape(extents)
            return .init(
                name: name,
                tensor: FloatTensor(
                    shape: shape,
                    values: (0..<shape.elementCount).map { _ in
                        Float((generator.fraction() - 0.5) * scale)
                    }))
        }
        let module = "base_model.model.model.layers.0.self_attn.q_proj"
        return NamedTensors([
            element(module + ".lora_A.weight", [4, 6]),
            element(module + ".lora_B.weight", [5, 4]),
        ])
    }

    /// The store, opened again where it was closed.
    func opened() async throws -> NodeStore {
        if let store { return store }
        let store = try NodeStore(home: home, access: .readWrite)
        try await store.setLogSigner(NodeLog.signer(manifest: manifest, identity: key))
        self.store = store
        return store
    }

    /// Forgets everything that is not on the disk.
    func close() { store = nil }

    func find(before round: UInt64) async throws -> RoundMemory.Found {
        try await RoundMemory(
            manifest: manifest, layout: layout, store: opened(), logger: Logger(label: "test")
        ).find(before: round, base: base)
    }

    /// Makes and stores the update of a round, as a trainer does.
    func train(_ number: UInt64, seed: UInt64) async throws -> UpdateSummary {
        let store = try await opened()
        let round = AggregationRound(manifest: manifest, layout: layout, round: number)
        let found = try await find(before: number)
        var memory = found.memory
        var generator = SplitMix64(seed: 1)
        let update = try UpdateQuantizer(manifest: manifest).quantize(
            .init(
                delta: Self.tensors(seed: seed, scale: 0.1),
                selection: round.select(
                    member: key.publicKey, capacity: TrainingCapacity(rank: 3)),
                exampleCount: 8, stepCount: 4),
            round: number, base: base, member: key.publicKey, feedback: &memory.feedback,
            using: &generator
        ).update
        let bytes = AdapterUpdateCodec.encode(update)
        let summary = update.summary(bytes: bytes)
        try await store.storeUpdate(
            bytes,
            record: MemoryRecord(
                round: number, baseAdapterDigest: base, updateID: summary.objectID,
                rateSum: 0.04, memory: memory), keeping: found.source)
        return summary
    }

    /// Certifies a round with its update.
    func certify(_ summary: UpdateSummary) async throws {
        let store = try await opened()
        var instance = try PeerInstance(
            restored: await store.restoredState(manifest: manifest),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: key,
            now: Timestamp(milliseconds: 0))
        var events: [Event] = [
            .started, .updateReady(round: summary.round, summary: summary),
        ]
        for time in UInt64(1)...200 {
            let event = events.isEmpty ? .tick : events.removeFirst()
            let directives = instance.handle(
                event, now: Timestamp(milliseconds: 100 * time))
            try await store.carryOut(directives)
            for case .fetch(let order) in directives where order.kind == .adapter {
                events.append(.objectFetched(order.objectID, .adapter))
            }
            for case .aggregate(let order) in directives {
                let worker = AggregationWorker(
                    manifest: manifest, layout: layout, store: store,
                    logger: Logger(label: "test"))
                let outcome = try await worker.aggregate(order)
                events.append(.aggregated(height: order.height, outcome: outcome))
            }
            if let entry = try await store.entries().last, entry.proposal.round == summary.round {
                base = entry.result.adapterDigest
                return
            }
        }
        throw Broken()
    }
}
