public import Checkpoints
public import Kernels
public import Models

extension PartialLoRAAdapter: TrainableAdapter {
    /// At the projections.
    public var tap: ModelTap { .projections(self) }

    /// Rank, alpha and targets of the whole.
    public var settings: [AdapterSetting] {
        [
            AdapterSetting(name: "rank", value: "\(configuration.rank)"),
            AdapterSetting(name: "alpha", value: "\(configuration.alpha)"),
            AdapterSetting(
                name: "targets",
                value: configuration.targets.map(\.rawValue).joined(separator: ",")),
            AdapterSetting(name: "trained values", value: "\(parameterCount)"),
        ]
    }

    /// A federation's rounds drop nothing.
    public var takesDropout: Bool { false }

    /// A part has no files.
    public var fileNames: [String] { [] }

    /// Whether the projections have the same shapes.
    public func fits(_ model: ModelConfiguration) -> Bool {
        self.model.hasSameProjections(as: model)
    }

    /// There is nothing to drop; a plan is a mistake of the caller.
    public func drop(_ plan: DropoutPlan?, sequenceLength: Int) {
        precondition(plan == nil, "a part of an adapter has no dropout")
    }

    /// A part has no files; write the whole that it was merged into.
    public func write(to path: String, baseModelName: String?) throws(CheckpointError) {
        preconditionFailure("a part of an adapter is not written")
    }
}
