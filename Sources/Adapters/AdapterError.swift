public import Tensors

/// Why a saved adapter does not fit.
public enum AdapterError: Error, Hashable, Sendable {
    /// No adapter method of this `peft_type` is registered.
    case unknownMethod(name: String)
    /// The rank is not positive.
    case invalidRank(Int)
    /// `target_modules` names a module that is not one of the seven projections.
    case unknownTarget(name: String)
    /// No projection is named.
    case noTargets
    /// The file lacks a tensor that its settings ask for.
    case missingTensor(name: String)
    /// The file holds a tensor that its settings do not explain.
    case unexpectedTensor(name: String)
    /// A tensor has another shape than rank and model ask for.
    case shapeMismatch(name: String, expected: Shape, actual: Shape)
    /// A setting has a value that makes no sense, or not with this model.
    case invalidSetting(name: String, value: String)
    /// A value is infinite or not a number.
    case nonFiniteTensor(name: String)
}
