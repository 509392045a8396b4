public import Checkpoints
public import Kernels
public import Models

extension LoRAAdapter: TrainableAdapter {
    /// At the projections.
    public var tap: ModelTap { .projections(self) }

    /// Rank, alpha, targets and scaling.
    public var settings: [AdapterSetting] {
        let layers = configuration.layers.map { layers in
            AdapterSetting(
                name: "adapted layers", value: layers.map(String.init).joined(separator: ","))
        }
        return [
            AdapterSetting(name: "rank", value: "\(configuration.rank)"),
            AdapterSetting(name: "alpha", value: "\(configuration.alpha)"),
            AdapterSetting(
                name: "targets",
                value: configuration.targets.map(\.rawValue).joined(separator: ",")),
            AdapterSetting(
                name: "rank-stabilised scaling", value: "\(configuration.usesRSLoRA)"),
        ] + [layers].compactMap(\.self)
    }

    /// Its inputs can be dropped.
    public var takesDropout: Bool { true }

    /// Those of PEFT.
    public var fileNames: [String] { PEFTFolder.fileNames }

    /// Whether the projections have the same shapes.
    public func fits(_ model: ModelConfiguration) -> Bool {
        self.model.hasSameProjections(as: model)
    }

    /// Drops elements of every site's input.
    public func drop(_ plan: DropoutPlan?, sequenceLength: Int) {
        dropout = plan.map { LoRADropout(plan: $0, sequenceLength: sequenceLength) }
    }

    /// Writes a PEFT folder.
    public func write(to path: String, baseModelName: String?) throws(CheckpointError) {
        try PEFTFolder.write(peft(baseModelName: baseModelName), to: path)
    }
}
