/// The most memory that a process is predicted to have resident, by what it is for.
///
/// All are bytes. Buffers of the model follow `ModelMemory`, whose formulas tests compare with what
/// is allocated; what the program itself takes is measured: see ``ProgramMemory``.
public struct PredictedPeak: Hashable, Sendable {
    /// The program, its libraries, the tokenizer, text and, in a node, network and store.
    public var program: Int
    /// The frozen weights.
    public var weights: Int
    /// The adapter's parameters, trained or not.
    public var parameters: Int
    /// Gradients and the optimizer's moments.
    public var optimizer: Int
    /// What passes keep and compute with.
    public var activations: Int
    /// Copies of the adapter while it is written or, in a node, exchanged.
    public var copies: Int

    /// Nothing.
    public static let zero = PredictedPeak(
        program: 0, weights: 0, parameters: 0, optimizer: 0, activations: 0, copies: 0)

    /// The sum.
    public var byteCount: Int {
        program + weights + parameters + optimizer + activations + copies
    }

    /// What n values trained by Adam in Float32 take: parameters, gradients and two moments, 16 n.
    ///
    /// A model of 7 billion parameters trained whole takes 112 GB by this law, before any activation.
    public static func adamByteCount(parameterCount: Int) -> Int {
        parameterByteCount(parameterCount)
            + optimizerByteCount(trainedParameterCount: parameterCount, kind: .adamW)
    }

    /// The bytes of parameters in Float32.
    static func parameterByteCount(_ count: Int) -> Int { 4 * count }

    /// The bytes of gradients and moments.
    static func optimizerByteCount(trainedParameterCount: Int, kind: OptimizerKind) -> Int {
        switch kind {
        case .adamW: 12 * trainedParameterCount
        case .mezo: 0
        }
    }
}
