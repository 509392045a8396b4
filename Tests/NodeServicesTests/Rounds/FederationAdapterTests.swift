import Adapters
import Checkpoints
import Cryptography
import Federation
import Models
import Tensors
import Testing

@testable import NodeServices

/// The adapter of a manifest on a peer's record, and what a node trains of it.
@Suite struct FederationAdapterTests {
    private static let configuration = ModelConfiguration(
        modelType: "llama", hiddenSize: 16, intermediateSize: 32, layerCount: 3,
        attentionHeadCount: 4, keyValueHeadCount: 2, headDimension: 4, vocabularySize: 64,
        positionCountMax: 64, rmsNormEpsilon: 1e-5, ropeTheta: 10_000, tiesWordEmbeddings: true)

    /// A record whose tensors have the extents of `tensors`.
    private static func record(
        _ configuration: ModelConfiguration = configuration,
        tensors: ModelConfiguration = configuration
    ) -> ModelRecord {
        var shapes = ["model.embed_tokens.weight": Shape([64, 16])]
        for layer in 0..<tensors.layerCount {
            for projection in Projection.allCases {
                shapes[projection.modulePath(layer: layer) + ".weight"] =
                    projection.weightShape(in: tensors)
            }
        }
        let none = Hashing.blake2b256([])
        return ModelRecord(
            configuration: configuration, tokenizerID: none,
            shards: shapes.map { name, shape in
                ModelRecord.Shard(
                    tensor: TensorDescription(
                        name: name, shape: shape, elementType: .float32,
                        byteCount: 4 * shape.elementCount), id: none)
            })
    }

    private func manifest(
        _ options: FederationOptions, layout: AdapterLayout, updateByteCountMax: Int? = nil
    ) throws -> Manifest {
        let key = try #require(SigningKey(seed: [UInt8](repeating: 5, count: 32)))
        let none = Hashing.blake2b256([])
        let made = try options.manifest(
            model: Self.record(), modelID: none, modelName: "none", layout: layout,
            initialAdapterID: none, author: key.publicKey)
        guard let updateByteCountMax else { return made }
        return try Manifest(
            name: made.name, baseModelDigest: none, baseModelName: "none", tokenizerDigest: none,
            initialAdapterDigest: none, adapter: made.adapter, training: made.training,
            ring: made.ring, normBound: made.normBound, membership: made.membership,
            updateByteCountMax: updateByteCountMax, author: made.author, createdAtSeconds: 0,
            aggregation: made.aggregation, read: made.read)
    }

    private func code(_ body: () throws -> Void) -> NodeError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? NodeError)?.code
        }
    }

    @Test func `the first adapter has the tensors that the layout says`() throws {
        var options = FederationOptions()
        options.rank = 4
        options.read = Manifest.READSettings(cell: .gru, stateSize: 8)
        let adapter = try options.adapter(on: Self.record())
        let tensors = adapter.initialTensors(seed: 3)
        #expect(AdapterLayout(of: tensors) == adapter.layout)
        #expect(tensors == adapter.initialTensors(seed: 3))
        let manifest = try manifest(options, layout: adapter.layout)
        let read = try FederationAdapter(manifest: manifest, record: Self.record())
        #expect(read.layout == adapter.layout)
        let (lora, second) = adapter.adapters(with: tensors)
        let all = lora.parameters.elements + (second?.parameters.elements ?? [])
        #expect(NamedTensors(all) == tensors)
    }

    @Test func `extents that no tensor has are refused before anything is allocated`() throws {
        var huge = Self.configuration
        huge.layerCount = 1 << 12
        huge.intermediateSize = 1 << 20
        let options = FederationOptions()
        #expect(
            code { _ = try options.adapter(on: Self.record(huge, tensors: Self.configuration)) }
                == .refused)
        var wide = Self.configuration
        wide.hiddenSize = 1 << 16
        #expect(
            code { _ = try options.adapter(on: Self.record(wide, tensors: Self.configuration)) }
                == .refused)
        #expect(code { _ = try options.adapter(on: Self.record()) } == nil)
        // A manifest whose adapter is above its own bound, too.
        let layout = try options.adapter(on: Self.record()).layout
        let small = try manifest(options, layout: layout, updateByteCountMax: 1_000)
        #expect(
            code { _ = try FederationAdapter(manifest: small, record: Self.record()) } == .refused)
    }

    @Test func `a secure federation is made of what a sum allows, else the reason is given`() throws
    {
        var options = FederationOptions()
        options.startMemberCount = 5
        options.secure = Manifest.SecureSettings()
        let layout = try options.adapter(on: Self.record()).layout
        do {
            _ = try manifest(options, layout: layout)
            Issue.record("the mean of products is accepted")
        } catch let error as NodeError {
            #expect(error.code == .invalidInput)
            #expect(error.message.contains("factor-mean, ffa, rolora"))
        }
        options.aggregation = .factorMean
        let made = try manifest(options, layout: layout)
        #expect(made.secure?.memberMinimum == 5)
        options.createdAtSeconds = made.createdAtSeconds
        options.secure = nil
        #expect(try manifest(options, layout: layout).digest == made.openCounterpart.digest)
        options.secure = Manifest.SecureSettings()
        options.exchange = .gossip
        #expect(code { _ = try manifest(options, layout: layout) } == .invalidInput)
    }

    @Test func `a part is layers and directions, or READ alone`() throws {
        var options = FederationOptions()
        options.rank = 4
        options.targets = [.query]
        options.read = Manifest.READSettings(stateSize: 8)
        let adapter = try options.adapter(on: Self.record())
        let manifest = try manifest(options, layout: adapter.layout)
        func capacity(_ part: TrainedPart) throws -> TrainingCapacity {
            try part.capacity(of: adapter, manifest: manifest)
        }
        let all = try capacity(TrainedPart())
        #expect(all.rank == 4 && all.heldNames?.count == 6)
        let last = try capacity(TrainedPart(rank: 2, lastLayerCount: 1))
        #expect(last.rank == 2)
        #expect(last.heldNames?.allSatisfy { $0.contains("layers.2.") } == true)
        #expect(try capacity(TrainedPart(lastLayerCount: 99)).heldNames?.count == 6)
        let read = try capacity(TrainedPart(method: .read))
        #expect(read.heldNames?.count == 7)
        #expect(read.heldNames?.allSatisfy { $0.hasPrefix("read.") } == true)
        #expect(code { _ = try capacity(TrainedPart(rank: 5)) } == .invalidInput)
        #expect(code { _ = try capacity(TrainedPart(rank: 0)) } == .invalidInput)
        #expect(code { _ = try capacity(TrainedPart(method: .read, rank: 1)) } == .invalidInput)
        #expect(TrainedPart().resolved(in: adapter) == TrainedPart(rank: 4, lastLayerCount: 3))

        options.read = nil
        let plain = try options.adapter(on: Self.record())
        let second = try self.manifest(options, layout: plain.layout)
        #expect(
            code {
                _ = try TrainedPart(method: .read).capacity(of: plain, manifest: second)
            } == .invalidInput)
        // Version 1 knows no parts.
        options.aggregation = .factorMean
        let first = try self.manifest(options, layout: plain.layout)
        #expect(
            code { _ = try TrainedPart(rank: 2).capacity(of: plain, manifest: first) }
                == .invalidInput)
        #expect(code { _ = try TrainedPart().capacity(of: plain, manifest: first) } == nil)
    }

    @Test(arguments: [("all", nil), ("last:1", 1), ("last:30", 30)] as [(String, Int?)])
    func `layers are all or the last ones`(text: String, count: Int?) throws {
        #expect(try TrainedPart.lastLayerCount(text) == count)
    }

    @Test(arguments: ["", "last", "last:", "last:0", "last:-1", "first:3", "last:3:4", "3"])
    func `other texts for layers are refused`(text: String) {
        #expect(throws: NodeError.self) { try TrainedPart.lastLayerCount(text) }
    }
}
