public import Checkpoints
public import Kernels
public import Models
public import Tensors

/// What every adapter method offers to a trainer and to the commands.
///
/// Conforming classes are not `Sendable`: they live where the model does.
public protocol TrainableAdapter: AnyObject {
    /// The number of trained values.
    var parameterCount: Int { get }

    /// Copies of the parameters, by the names of the files.
    ///
    /// What is assigned must have the same names and shapes.
    var parameters: NamedTensors { get set }

    /// Copies of the gradients under the names of the parameters.
    var gradients: NamedTensors { get }

    /// Where it meets the model.
    var tap: ModelTap { get }

    /// What decides its shape and effect besides the parameters, for comparisons of runs.
    var settings: [AdapterSetting] { get }

    /// Whether ``drop(_:sequenceLength:)`` has an effect.
    var takesDropout: Bool { get }

    /// The files of the folder that ``write(to:baseModelName:)`` writes.
    var fileNames: [String] { get }

    /// Lends the parameters, in the adapter's own order, for the length of a call.
    func withParameters<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result

    /// Lends the gradients, in the order of the parameters, for the length of a call.
    func withGradients<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result

    /// Sets all gradients to 0.
    func zeroGradients()

    /// Whether it was made for a model of these extents.
    func fits(_ model: ModelConfiguration) -> Bool

    /// Drops elements of its inputs at random until told otherwise; `nil` drops none.
    func drop(_ plan: DropoutPlan?, sequenceLength: Int)

    /// Writes the folder that ``AdapterRegistry`` reads.
    ///
    /// - Throws: `notReplaceable`, `system`.
    func write(to path: String, baseModelName: String?) throws(CheckpointError)
}

/// One of an adapter's settings, as a user writes it.
public struct AdapterSetting: Hashable, Sendable {
    /// What it is called in messages.
    public let name: String
    /// Its value.
    public let value: String

    /// Makes a setting.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
