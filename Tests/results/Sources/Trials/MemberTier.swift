internal import ArgumentParser
internal import Federation
internal import Tensors

/// What a kind of device trains: so many directions of the last layers.
struct MemberTier: ExpressibleByArgument {
    /// The last layers that it trains; `nil` for all.
    let layerCount: Int?
    let rank: Int

    /// Reads `LAYERS:RANK`, where the layers are a number or `all`.
    init?(argument: String) {
        let parts = argument.split(separator: ":")
        guard parts.count == 2, let rank = Int(parts[1]), rank > 0 else { return nil }
        let layerCount = Int(parts[0])
        guard layerCount != nil || parts[0] == "all" else { return nil }
        self.layerCount = layerCount
        self.rank = rank
    }

    init(layerCount: Int? = nil, rank: Int) {
        self.layerCount = layerCount
        self.rank = rank
    }

    var description: String { "\(layerCount.map(String.init) ?? "all"):\(rank)" }

    /// What such a device trains of an adapter of a model of so many layers.
    func capacity(of adapter: NamedTensors, modelLayerCount: Int) -> TrainingCapacity {
        guard let layerCount else { return TrainingCapacity(rank: rank) }
        let held = adapter.names.filter { name in
            let parts = name.split(separator: ".")
            guard let place = parts.firstIndex(of: "layers"), place + 1 < parts.count,
                let layer = Int(parts[place + 1])
            else { return false }
            return layer >= modelLayerCount - layerCount
        }
        return TrainingCapacity(rank: rank, heldNames: Set(held))
    }
}
