public import Checkpoints
internal import Kernels
public import Models
public import Tensors

/// Recurrent adaptation: a small recurrent network runs over the depth of the frozen model, for
/// each position on its own, and corrects the last hidden state.
///
/// With phi_0 the embedding and phi_i what layer i leaves: x_i = in_scale w norm(phi_i), h_i =
/// cell(x_i, h_(i-1)), z the last or the mean h, and phi_N becomes phi_N + out_scale (W z + b). No gradient
/// enters the model's layers, so they run forward only and keep nothing; what is kept of them are
/// the normed states. The number of parameters does not depend on the number of layers.
///
/// Not `Sendable`: it lives where the model does. ``parameters`` is the value that travels.
///
/// Source: Nguyen et al. 2023, "READ: Recurrent Adaptation of Large Transformers", arXiv
/// 2305.15348.
///
/// ### Deviations
/// Reconstructed, not read in the paper: the norm with its scales and the two ways to aggregate are
/// those of the public code that names the paper; the paper's joiner networks, which mix positions by
/// the model's attention, are left out, as that code leaves them out; one network serves a decoder
/// alone, and its output begins at 0. The scales are settings and not trained.
public final class READAdapter {
    /// The method's name in files.
    public static let methodName = "READ"
    /// What is added to the mean square in the norm of the hidden states.
    static let normEpsilon: Float = 1e-6

    /// The settings.
    public let configuration: READConfiguration
    /// The values of the model's hidden states.
    public let hiddenSize: Int
    /// The layers of the model that it was made for.
    public let layerCount: Int

    let layout: READLayout
    let parameterBuffer: FloatBuffer
    let gradientBuffer: FloatBuffer
    /// What one pass keeps and computes with.
    var memory: READMemory
    /// The parameters as the products of the pass in progress read them.
    var weights: READWeights?
    /// The chunk that was corrected last.
    var chunk: READChunk?
    /// What changes the layers below, frozen: another adapter on the same model; `nil` for none.
    ///
    /// It keeps no states, as a ``PartialLoRAAdapter`` of which nothing is trained.
    public var projections: (any ProjectionTap)?

    /// Makes a fresh adapter.
    ///
    /// The network begins as PyTorch's do, uniform in (-1/sqrt(h), 1/sqrt(h)), from the seed.
    public init(
        configuration: READConfiguration,
        model: ModelConfiguration,
        seed: UInt64,
        outputStart: READConfiguration.OutputStart = .zero
    ) {
        let layers = configuration.layers(of: model.layerCount)
        precondition(
            !layers.isEmpty && layers.allSatisfy { (0..<model.layerCount).contains($0) },
            "layers \(layers) of \(model.layerCount)"
        )
        self.configuration = configuration
        hiddenSize = model.hiddenSize
        layerCount = model.layerCount
        layout = READLayout(configuration: configuration, hiddenSize: model.hiddenSize)
        parameterBuffer = FloatBuffer(count: layout.count)
        gradientBuffer = FloatBuffer(count: layout.count)
        parameterBuffer.clear()
        gradientBuffer.clear()
        memory = READMemory(
            configuration: configuration, hiddenSize: model.hiddenSize, layerCount: model.layerCount
        )
        fill(SplitMix64(seed: seed), outputStart)
    }

    private func fill(_ start: SplitMix64, _ outputStart: READConfiguration.OutputStart) {
        var generator = start
        for place in layout.places {
            let matrix = place.matrix(in: parameterBuffer)
            let fanIn: Int
            switch place.part {
            case .norm:
                matrix.fill(1)
                continue
            case .outputWeight, .outputBias:
                if outputStart == .zero { continue }
                fanIn = configuration.stateSize
            case .startWeight, .startBias: fanIn = hiddenSize
            default: fanIn = configuration.stateSize
            }
            let bound = 1 / Float(fanIn).squareRoot()
            for row in 0..<matrix.rowCount {
                for column in 0..<matrix.columnCount {
                    matrix[row, column] = bound * generator.nextSymmetricUnit()
                }
            }
        }
    }

    /// Sets all gradients to 0.
    public func zeroGradients() {
        gradientBuffer.clear()
    }

    /// The number of trained values.
    public var parameterCount: Int { layout.count }

    /// Lends the parameters, in the adapter's own order, for the length of a call.
    public func withParameters<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe parameterBuffer.withValues(body)
    }

    /// Lends the gradients, in the order of the parameters, for the length of a call.
    public func withGradients<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe gradientBuffer.withValues(body)
    }

    /// Copies of the parameters, by the names of the files.
    ///
    /// What is assigned must have the same names and shapes.
    public var parameters: NamedTensors {
        get { namedTensors(in: parameterBuffer) }
        set {
            precondition(newValue.hasSameLayout(as: parameters), "another adapter's tensors")
            load(newValue)
        }
    }

    /// Copies of the gradients under the names of the parameters.
    public var gradients: NamedTensors { namedTensors(in: gradientBuffer) }

    func load(_ tensors: NamedTensors) {
        for place in layout.places {
            guard let tensor = tensors[place.part.rawValue] else {
                preconditionFailure("a tensor of the adapter is missing")
            }
            place.matrix(in: parameterBuffer).copy(from: tensor.values)
        }
    }

    func parameter(_ part: READLayout.Part) -> Matrix {
        layout[part].matrix(in: parameterBuffer)
    }

    func gradient(_ part: READLayout.Part) -> Matrix {
        layout[part].matrix(in: gradientBuffer)
    }

    private func namedTensors(in buffer: FloatBuffer) -> NamedTensors {
        NamedTensors(
            layout.places.map { place in
                NamedTensors.Element(
                    name: place.part.rawValue,
                    tensor: FloatTensor(
                        shape: place.shape, values: place.matrix(in: buffer).values)
                )
            }
        )
    }
}
