internal import Adapters
internal import Checkpoints
internal import Federation
internal import Tensors

/// Which adapter of the federation a node trains.
public enum MethodChoice: String, SettingChoice {
    /// The LoRA adapter.
    case lora
    /// The READ adapter, where the federation has one.
    case read
}

/// What a node trains of its federation's adapter; the rest of it stays in the forward pass.
public struct TrainedPart: Hashable, Sendable {
    /// The adapter.
    public var method: MethodChoice
    /// The directions of each LoRA pair; all of them unless set.
    public var rank: Int?
    /// The layers, counted from the last one, whose LoRA pairs are trained; all unless set.
    public var lastLayerCount: Int?

    /// Everything of LoRA, unless told otherwise.
    public init(
        method: MethodChoice = .lora, rank: Int? = nil, lastLayerCount: Int? = nil
    ) {
        self.method = method
        self.rank = rank
        self.lastLayerCount = lastLayerCount
    }

    /// The value of the setting `layers`: `all`, or `last:` and a count.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for anything else.
    static func lastLayerCount(_ text: String) throws(NodeError) -> Int? {
        guard text != "all" else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "last", let count = Int(parts[1]), count > 0 else {
            throw NodeError(
                .invalidInput, "The layers are '\(text)'; give 'all', or 'last:4' for the last 4.")
        }
        return count
    }

    /// The same with every number that the federation's adapter fills in.
    func resolved(in adapter: FederationAdapter) -> TrainedPart {
        guard method == .lora else { return self }
        return TrainedPart(
            rank: min(rank ?? adapter.lora.rank, adapter.lora.rank),
            lastLayerCount: min(
                lastLayerCount ?? adapter.model.layerCount, adapter.model.layerCount))
    }

    /// What that is of a federation's adapter.
    ///
    /// The one place where a node's settings, or a plan made from its memory, become what it trains.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for a part that this federation has not.
    func capacity(
        of adapter: FederationAdapter, manifest: Manifest
    ) throws(NodeError) -> TrainingCapacity {
        guard manifest.allowsParts || self == TrainedPart() else {
            throw NodeError(
                .invalidInput,
                "In this federation every member trains the whole adapter; leave out --rank, "
                    + "--layers and --method."
            )
        }
        guard method == .lora else {
            guard let read = adapter.read else {
                throw NodeError(
                    .invalidInput,
                    "This federation has no READ adapter; leave out --method, or make one with "
                        + "'starling init --with-read'."
                )
            }
            guard rank == nil, lastLayerCount == nil else {
                throw NodeError(
                    .invalidInput, "--rank and --layers are LoRA's; leave them out with READ.")
            }
            let names = AdapterShapes.read(read, model: adapter.model).keys
            return TrainingCapacity(rank: 0, heldNames: Set(names))
        }
        let rank = rank ?? adapter.lora.rank
        guard (1...adapter.lora.rank).contains(rank) else {
            throw NodeError(
                .invalidInput,
                "--rank is \(rank); the federation's adapter has rank \(adapter.lora.rank), so give "
                    + "1 to \(adapter.lora.rank)."
            )
        }
        let layerCount = adapter.model.layerCount
        let first = max(layerCount - (lastLayerCount ?? layerCount), 0)
        let names = AdapterShapes.lora(
            adapter.lora, model: adapter.model, layers: first..<layerCount
        ).keys
        return TrainingCapacity(rank: rank, heldNames: Set(names))
    }
}
