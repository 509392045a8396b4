internal import Adapters
internal import Federation
internal import Kernels
internal import Tensors
internal import Training

/// What a node trains in a round, with the rest of the consensus frozen around it.
struct RoundAdapter {
    private enum Kind {
        case lora(PartialLoRAAdapter)
        /// Over the whole LoRA adapter, frozen.
        case read(READAdapter)
    }

    private let kind: Kind
    /// The first tensor that is trained.
    let firstName: String

    /// Splits a round's start.
    ///
    /// READ is trained where the selection holds its tensors, and then nothing of LoRA is.
    init(
        _ adapter: FederationAdapter, start: NamedTensors, selection: TensorSelection,
        computeType: ComputeType
    ) {
        firstName = selection.entries.first?.name ?? ""
        let trainsREAD = firstName.hasPrefix(Manifest.READSettings.namePrefix)
        let directions = selection.entries.map { entry in
            (entry.name, entry.directions ?? Array(0..<adapter.lora.rank))
        }
        let lora = PartialLoRAAdapter(
            configuration: adapter.lora, model: adapter.model, whole: start,
            trained: trainsREAD ? [:] : Dictionary(uniqueKeysWithValues: directions),
            computeType: computeType)
        guard trainsREAD, let configuration = adapter.read else {
            kind = .lora(lora)
            return
        }
        let read = READAdapter(configuration: configuration, model: adapter.model, seed: 0)
        read.parameters = Self.part(read.parameters, of: start)
        read.projections = lora
        kind = .read(read)
    }

    /// What a trainer moves.
    var trainable: any TrainableAdapter {
        switch kind {
        case .lora(let lora): lora
        case .read(let read): read
        }
    }

    /// The start with what has been trained in its place.
    func merged(into start: NamedTensors) -> NamedTensors {
        switch kind {
        case .lora(let lora): return lora.merged(into: start)
        case .read(let read):
            var merged = start
            for element in read.parameters.elements {
                merged.replace(element.name, with: element.tensor)
            }
            return merged
        }
    }

    /// The settings' corrections around the present values; `nil` for none.
    ///
    /// - Parameter control: in the names and shapes of the whole adapter.
    func correction(
        proximalStrength: Double, control: NamedTensors?
    ) -> LocalCorrection? {
        guard proximalStrength > 0 || control != nil else { return nil }
        return LocalCorrection(
            proximalStrength: proximalStrength,
            start: proximalStrength > 0
                ? unsafe trainable.withParameters { unsafe Array($0) } : [],
            direction: control.map(values) ?? [])
    }

    /// The trained part of tensors of the whole adapter, in the order of the trainable one.
    private func values(of whole: NamedTensors) -> [Float] {
        switch kind {
        case .lora(let lora): return lora.values(of: whole)
        case .read(let read):
            let kept = read.parameters
            read.parameters = Self.part(kept, of: whole)
            defer { read.parameters = kept }
            return unsafe read.withParameters { unsafe Array($0) }
        }
    }

    /// The tensors of a whole adapter that have the names of others.
    private static func part(_ names: NamedTensors, of whole: NamedTensors) -> NamedTensors {
        NamedTensors(
            names.elements.map { element in
                guard let tensor = whole[element.name] else {
                    preconditionFailure("the adapter has no tensor \(element.name)")
                }
                return .init(name: element.name, tensor: tensor)
            })
    }
}
