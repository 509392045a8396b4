internal import Checkpoints
internal import Federation
internal import Models
internal import Tensors
internal import Training

/// Decides what a node trains, and prepares it: from its settings, or from a plan for its memory.
struct NodeWork: Sendable {
    let options: NodeOptions
    let manifest: SignedManifest
    let record: ModelRecord
    let adapter: FederationAdapter
    let library: ModelLibrary

    /// The planner of a node that has a bound; `nil` without one.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` where settings say what a plan decides.
    func planner() throws(NodeError) -> NodePlanner? {
        let settings = options.settings
        guard let memory = settings.memory else { return nil }
        if let name = settings.givenBesideMemory {
            throw NodeError(
                .invalidInput, "'\(name)' is what 'memory' decides; leave out one of the two.")
        }
        return try NodePlanner(
            budget: MemorySize(byteCount: budget(memory)), settings: settings,
            manifest: manifest.manifest, adapter: adapter, record: record,
            textByteCount: try settings.data.map(byteCount) ?? 0)
    }

    /// What is trained by a plan, or by the settings.
    func part(_ plan: MemoryPlan?) throws(NodeError) -> TrainedPart {
        guard let plan else { return try options.settings.trainedPart() }
        return TrainedPart(plan, of: adapter)
    }

    /// Prepares what a plan says, or what the settings do.
    func work(_ plan: MemoryPlan?) async throws(NodeError) -> RoundWork {
        let part = try part(plan)
        let length = plan?.sequenceLength ?? manifest.manifest.training.sequenceLength
        return RoundWork(
            data: try await data(length: length),
            options: plan?.options ?? options.settings.modelOptions,
            part: part,
            capacity: try part.capacity(of: adapter, manifest: manifest.manifest),
            plan: plan
        )
    }

    /// What was asked for, or what there is where that is less.
    private func budget(_ memory: MemorySize) -> Int {
        guard let available = AvailableMemory.current, available.byteCount < memory.byteCount
        else { return memory.byteCount }
        options.report(.memoryBounded(available, wanted: memory))
        return max(1, available.byteCount)
    }

    private func byteCount(_ paths: [String]) throws(NodeError) -> Int {
        do {
            return try TextDataset(paths: paths).byteCount
        } catch {
            throw NodeError(.invalidInput, "\(error)")
        }
    }

    /// The node's text as rows of up to so many inputs.
    private func data(length: Int) async throws(NodeError) -> TrainingData {
        let paths = options.settings.data ?? []
        guard !paths.isEmpty else {
            throw NodeError(
                .invalidInput, "There is no text to train on; name files with --data."
            )
        }
        let tokenizer = try await library.tokenizer(of: record)
        do {
            let encoder = ExampleEncoder(
                tokenizer: tokenizer,
                rowTokenCountMax: length + 1,
                vocabularySize: record.configuration.vocabularySize,
                scope: .answer
            )
            return try TrainingData(
                TextDataset(paths: paths), encoder: encoder,
                heldOutFraction: options.settings.heldOut ?? 0.1,
                seed: manifest.manifest.adapter.initializationSeed
            )
        } catch {
            throw NodeError(.invalidInput, "\(error)")
        }
    }
}
