import Adapters
import Checkpoints
import Kernels
import Models
import Testing

@testable import Training

/// Predictions against what a small model allocates, and against the published table.
@Suite struct PlanPredictionTests {
    static func request(_ type: ComputeType) throws -> PlanningRequest {
        let source = ClosedFormSource()
        var request = PlanningRequest(
            model: try ModelOutline(
                configuration: source.configuration, tensors: source.tensors),
            budget: nil)
        request.computeType = type
        request.threadCount = ComputeThreads.count
        request.rank = 3
        request.sequenceLength = 40
        request.program = ProgramMemory(
            base: 0, perVocabularyEntry: 0, copiesPerParameter: 0, perTextByte: 0)
        return request
    }

    @Test(arguments: ComputeType.allCases, ModelOptions.Recomputation.allCases)
    func `a trained part is predicted to the byte`(
        type: ComputeType, recomputation: ModelOptions.Recomputation
    ) throws {
        let source = ClosedFormSource()
        for count in 1...2 {
            let shape = PlanShape(
                layerCount: count, rank: 3, length: 40, microBatchSize: 2, storage: .float32,
                recomputation: recomputation)
            let prediction = PlanPrediction(request: try Self.request(type))
            let peak = prediction.peak(shape)
            let model = try CausalLanguageModel(
                source: source, options: prediction.options(shape))
            let adapter = LoRAAdapter(
                configuration: LoRAConfiguration(
                    rank: 3, alpha: 6, layers: LoRAConfiguration.lastLayers(count, of: 2)),
                model: source.configuration, seed: 1)
            let memory = model.memory(rowCount: 80, length: 40, tap: adapter)
            let scratch = LoRAOutline(
                configuration: adapter.configuration, model: source.configuration
            ).scratchByteCount(rowCount: 80, type: type, trains: true)
            #expect(peak.weights == memory.weightByteCount)
            #expect(
                peak.activations
                    == memory.activationByteCount + memory.attentionByteCount + scratch)
            #expect(
                peak.parameters + peak.optimizer
                    == PredictedPeak.adamByteCount(parameterCount: adapter.parameterCount))
        }
    }

    @Test func `READ is predicted to the byte`() throws {
        let source = ClosedFormSource()
        var request = try Self.request(.float32)
        request.read = READConfiguration(stateSize: 8)
        let shape = PlanShape(
            method: .read, rank: 0, length: 40, microBatchSize: 2, storage: .float32)
        let peak = PlanPrediction(request: request).peak(shape)
        let model = try CausalLanguageModel(source: source, options: .exact)
        let adapter = READAdapter(
            configuration: request.read, model: source.configuration, seed: 1)
        let memory = model.memory(
            rowCount: 80, length: 40, through: .hiddenStates(adapter))
        #expect(peak.activations + peak.weights == memory.byteCount)
        #expect(peak.parameters + peak.optimizer == 16 * adapter.parameterCount)
    }

    /// In MiB at 256, 512 and 2048 positions on a quantised base, without the program.
    ///
    /// The table adds 24 MiB for logits and their gradient, 3 for a decoded matrix and, where nothing is
    /// kept, gradients; ours lie over the scratch, in fewer rows, or are not there.
    @Test(arguments: [
        ("LoRA", [331, 505, 1_549]), ("layers again", [191, 225, 430]),
        ("last 3", [155, 184, 355]), ("MeZO", [135, 142, 181]), ("READ", [162, 177, 267]),
    ])
    func `the tiers of SmolLM2 are near the published table`(
        tier: String, published: [Double]
    ) {
        var request = PlannedModels.request(PlannedModels.smolLM2, nil)
        // The table keeps READ's states in 16 bits and everything else in 32.
        request.computeType = tier == "READ" ? .bfloat16 : .float32
        request.program = ProgramMemory(
            base: 0, perVocabularyEntry: 0, copiesPerParameter: 0, perTextByte: 0)
        for (length, expected) in zip([256, 512, 2_048], published) {
            var shape = PlanShape(
                layerCount: 30, rank: 8, length: length, storage: .encoded)
            switch tier {
            case "layers again": shape.recomputation = .layer
            case "last 3": (shape.layerCount, shape.rank) = (3, 16)
            case "MeZO": shape.method = .mezo
            case "READ": (shape.method, shape.rank) = (.read, 0)
            default: break
            }
            let peak = PlanPrediction(request: request).peak(shape)
            let mebibytes = Double(peak.byteCount) / 1_048_576
            // The table takes the embedding for 8 bits a weight, the outline for 5.
            let sum = mebibytes + 28_311_552 * 3.5 / 8 / 1_048_576
            #expect(sum > 0.78 * expected && sum < 1.15 * expected, "\(length): \(sum)")
        }
    }
}
