import Kernels
import Models
import Tensors
import Testing

@testable import Adapters

/// Sizes without an adapter, against those of one.
@Suite struct AdapterOutlineTests {
    @Test(arguments: ComputeType.allCases, 0...3)
    func `a LoRA adapter takes what its outline says`(type: ComputeType, first: Int) throws {
        let source = MemoryTensorSource.closedForm(TruncatedTrainingTests.configuration)
        for targets in [Projection.allCases, [.query, .value], [.down]] {
            let configuration = LoRAConfiguration(rank: 3, alpha: 6, targets: targets)
            let adapter = LoRAAdapter(
                configuration: configuration, model: source.configuration, seed: 1,
                firstTrainedLayer: first)
            let outline = LoRAOutline(
                configuration: configuration, model: source.configuration,
                firstTrainedLayer: first)
            #expect(outline.parameterCount == adapter.parameters.elementCount)
            #expect(outline.trainedParameterCount == adapter.parameterCount)
            let model = try CausalLanguageModel(
                source: source, options: ModelOptions(computeType: type))
            let (batch, rowCount) = (LoRATests.batch, 12)
            _ = AdaptedModel(model: model, adapter: adapter)
                .accumulateGradients(batch, normalizer: 11)
            // The parameters of one site are rounded in any case in the adapter's own room.
            let scratch = outline.scratchByteCount(rowCount: rowCount, type: type, trains: true)
            let rounded =
                outline.scratchByteCount(rowCount: 0, type: .bfloat16, trains: false)
            #expect(
                adapter.scratchByteCount == scratch + (type == .bfloat16 ? 0 : rounded))
            let memory = ModelMemory(
                try ModelOutline(
                    configuration: source.configuration, tensors: source.tensors),
                options: model.options, rowCount: rowCount, length: 12, tap: outline.tap,
                trains: true, threadCount: ComputeThreads.count)
            #expect(memory == model.memory(rowCount: rowCount, length: 12, tap: adapter))
        }
    }

    @Test func `a READ adapter takes what its outline says`() {
        let model = TruncatedTrainingTests.configuration
        for cell in RecurrentCell.allCases {
            let configuration = READConfiguration(stateSize: 8, cell: cell)
            let adapter = READAdapter(configuration: configuration, model: model, seed: 1)
            let outline = READOutline(configuration: configuration, model: model)
            #expect(outline.parameterCount == adapter.parameterCount)
            for type in ComputeType.allCases {
                #expect(
                    outline.passByteCount(rowCount: 40, chunkRowCount: 16, type: type)
                        == adapter.passByteCount(rowCount: 40, chunkRowCount: 16, type: type))
            }
            #expect(outline.operationCount(rowCount: 7) == adapter.operationCount(rowCount: 7))
        }
    }
}
