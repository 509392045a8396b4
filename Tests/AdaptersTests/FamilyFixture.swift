import Adapters
import Checkpoints
import Foundation
import Models
import Tensors

/// A model of `Tests/Fixtures/models`, which `make_fixtures.py` there writes.
struct FamilyFixture {
    struct Gradient: Decodable {
        var norm: Double
        /// Every third value.
        var values: [Double]
    }

    struct Batch: Decodable {
        var name: String
        var sequences, length: Int
        var inputs, targets: [Int32]
        var starts, ends: [Int32]?
        /// The rows whose logits are listed.
        var rows: [Int]
        var baseNats: Double
        var baseLogits: [Float]
        var nats: Double
        var logits: [Float]
        var gradients: [String: Gradient]

        var tokens: TokenBatch {
            TokenBatch(
                sequenceCount: sequences, length: length, inputs: inputs, targets: targets,
                segmentStarts: starts ?? [], prefixEnds: ends ?? [])
        }

        var targetCount: Int { targets.count { $0 >= 0 } }
    }

    struct Expected: Decodable {
        var batches: [Batch]
        /// Mean losses before each of 20 AdamW steps on the first batch.
        var losses: [Double]
    }

    static let names = [
        "llama3-scaled", "llama-linear", "mistral-window", "qwen2-untied", "qwen2-tied-window",
        "qwen3",
    ]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fixtures/models")

    let expected: Expected
    let model: AdaptedModel
    let adapter: LoRAAdapter

    init(_ name: String, options: ModelOptions = .exact) throws {
        let folder = Self.folder.appending(path: name)
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: folder.appending(path: "expected.json")))
        let base = try CausalLanguageModel(
            source: ModelFiles.open(path: folder.path), options: options)
        adapter = try LoRAAdapter(
            peft: PEFTFolder.read(path: folder.appending(path: "adapter").path),
            model: base.configuration)
        model = AdaptedModel(model: base, adapter: adapter)
    }

    func batch(_ name: String) throws -> Batch {
        guard let batch = expected.batches.first(where: { $0.name == name }) else {
            throw CocoaError(.keyValueValidation)
        }
        return batch
    }
}
