public import Tensors

/// Why a checkpoint's tensors don't make a model.
public enum ModelError: Error, Hashable, Sendable {
    /// No architecture of this `model_type` is registered.
    case unknownArchitecture(modelType: String)
    /// The configuration's extents contradict each other; the fields are named.
    case unsupportedConfiguration(field: String, value: Int)
    /// The checkpoint lacks a tensor.
    case missingTensor(name: String)
    /// A tensor has another shape than the configuration asks for.
    case shapeMismatch(name: String, expected: Shape, actual: Shape)
    /// A tensor holds another number of bytes than its type and shape take.
    case byteCountMismatch(name: String, expected: Int, actual: Int)
    /// The source failed to lend a tensor's bytes.
    case unreadableTensor(name: String, reason: String)
    /// A weight is infinite or not a number.
    case nonFiniteTensor(name: String)
}
