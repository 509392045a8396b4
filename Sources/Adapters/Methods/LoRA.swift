public import Checkpoints
public import Kernels
public import Models
public import Tensors

/// Low-rank adapters: y = x W^T + s (x A^T) B^T with A [rank, input] and B [output, rank].
///
/// A starts uniform in (-1/sqrt(input), 1/sqrt(input)) from the seed, B at 0, so a fresh adapter
/// changes nothing. Parameters and gradients lie in one buffer each, in a fixed order of the
/// adapter's own; names and their order are those of PEFT's files.
///
/// Not `Sendable`: it lives where the model does. ``parameters`` is the value that travels.
///
/// Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
///
/// ### Deviations
/// No dropout on the adapter's input.
public final class LoRAAdapter {
    /// The method's name in files: PEFT's `peft_type`.
    public static let methodName = "LORA"

    /// The settings.
    public let configuration: LoRAConfiguration
    /// The extents of the model that it fits.
    public let model: ModelConfiguration

    let layout: LoRALayout
    let parameterBuffer: FloatBuffer
    let gradientBuffer: FloatBuffer
    /// The gradient of the states of one site; as large as the largest batch so far.
    private var stateGradient = FloatBuffer(count: 0)
    /// What the forward and backward passes drop of their inputs; `nil` outside of training.
    var dropout: LoRADropout?

    /// Makes a fresh adapter.
    public init(configuration: LoRAConfiguration, model: ModelConfiguration, seed: UInt64) {
        self.configuration = configuration
        self.model = model
        layout = LoRALayout(configuration: configuration, model: model)
        parameterBuffer = FloatBuffer(count: layout.count)
        gradientBuffer = FloatBuffer(count: layout.count)
        parameterBuffer.clear()
        gradientBuffer.clear()
        var generator = SplitMix64(seed: seed)
        for pair in layout.pairs {
            let a = matrixA(pair, in: parameterBuffer)
            let bound = 1 / Float(pair.inputSize).squareRoot()
            for row in 0..<a.rowCount {
                for column in 0..<a.columnCount {
                    a[row, column] = bound * generator.nextSymmetricUnit()
                }
            }
        }
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

    /// Sets all gradients to 0.
    public func zeroGradients() {
        gradientBuffer.clear()
    }

    /// Copies of the parameters under PEFT's file names.
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

    /// s B A of one projection, or `nil` where it is not adapted.
    ///
    /// Shape: that of the projection's weight.
    public func delta(layer: Int, projection: Projection) -> FloatTensor? {
        let pairs = layout.pairs(layer: layer, site: projection.site)
        guard let pair = pairs.first(where: { $0.projection == projection }) else { return nil }
        let product = FloatBuffer(count: pair.outputSize * pair.inputSize)
        let delta = product.take(rows: pair.outputSize, columns: pair.inputSize)
        MatrixProduct.multiply(
            matrixB(pair, in: parameterBuffer),
            matrixA(pair, in: parameterBuffer),
            into: delta,
            scale: Float(configuration.scale)
        )
        return FloatTensor(
            shape: Shape([pair.outputSize, pair.inputSize]),
            values: delta.values
        )
    }

    func load(_ tensors: NamedTensors) {
        for pair in layout.pairs {
            copy(tensors[Self.name(pair, "A")], to: matrixA(pair, in: parameterBuffer))
            copy(tensors[Self.name(pair, "B")], to: matrixB(pair, in: parameterBuffer))
        }
    }

    static func name(_ pair: LoRALayout.Pair, _ half: String) -> String {
        "base_model.model.\(pair.projection.modulePath(layer: pair.layer)).lora_\(half).weight"
    }

    private func namedTensors(in buffer: FloatBuffer) -> NamedTensors {
        NamedTensors(
            layout.pairs.flatMap { pair in
                [
                    Self.element(Self.name(pair, "A"), matrixA(pair, in: buffer)),
                    Self.element(Self.name(pair, "B"), matrixB(pair, in: buffer)),
                ]
            }
        )
    }

    private static func element(_ name: String, _ matrix: Matrix) -> NamedTensors.Element {
        NamedTensors.Element(
            name: name,
            tensor: FloatTensor(
                shape: Shape([matrix.rowCount, matrix.columnCount]),
                values: matrix.values
            )
        )
    }

    private func copy(_ tensor: FloatTensor?, to matrix: Matrix) {
        guard let tensor else { preconditionFailure("a tensor of the adapter is missing") }
        matrix.copy(from: tensor.values)
    }

    private func matrixA(_ pair: LoRALayout.Pair, in buffer: FloatBuffer) -> Matrix {
        buffer.matrix(at: pair.offsetOfA, rows: layout.rank, columns: pair.inputSize)
    }

    private func matrixB(_ pair: LoRALayout.Pair, in buffer: FloatBuffer) -> Matrix {
        buffer.matrix(at: pair.offsetOfB, rows: pair.outputSize, columns: layout.rank)
    }

    /// The A of all adapted projections of a site, row below row.
    private func stackedA(_ pairs: ArraySlice<LoRALayout.Pair>, in buffer: FloatBuffer) -> Matrix? {
        guard let first = pairs.first else { return nil }
        return buffer.matrix(
            at: first.offsetOfA,
            rows: pairs.count * layout.rank,
            columns: first.inputSize
        )
    }
}

extension LoRAAdapter: ProjectionTap {
    /// Whether any projection of the site is among the targets.
    public func adapts(layer: Int, site: ProjectionSite) -> Bool {
        !layout.pairs(layer: layer, site: site).isEmpty
    }

    /// The ranks of the site's adapted projections together.
    public func stateWidth(layer: Int, site: ProjectionSite) -> Int {
        layout.pairs(layer: layer, site: site).count * layout.rank
    }

    /// Keeps s x A^T as the state and adds its products with B^T to the output.
    public func forward(
        layer: Int,
        site: ProjectionSite,
        input: Matrix,
        output: Matrix,
        state: Matrix
    ) {
        let pairs = layout.pairs(layer: layer, site: site)
        guard let a = stackedA(pairs, in: parameterBuffer) else { return }
        MatrixProduct.multiplyTransposed(
            input,
            a,
            into: state,
            scale: Float(configuration.scale)
        )
        for pair in pairs {
            MatrixProduct.multiplyTransposed(
                state.columns(pair.stateColumns),
                matrixB(pair, in: parameterBuffer),
                into: output.columns(pair.outputColumns),
                adds: true
            )
        }
    }

    /// With u = s x A^T: gB += gy^T u, gu = s gy B, gA += gu^T x, gx += gu A.
    public func backward(
        layer: Int,
        site: ProjectionSite,
        input: Matrix,
        outputGradient: Matrix,
        inputGradient: Matrix?,
        state: Matrix
    ) {
        let pairs = layout.pairs(layer: layer, site: site)
        guard
            let a = stackedA(pairs, in: parameterBuffer),
            let gradientA = stackedA(pairs, in: gradientBuffer)
        else { return }
        let gradient = stateGradient(rows: state.rowCount, columns: state.columnCount)
        for pair in pairs {
            let outputGradient = outputGradient.columns(pair.outputColumns)
            MatrixProduct.multiply(
                outputGradient,
                matrixB(pair, in: parameterBuffer),
                into: gradient.columns(pair.stateColumns),
                scale: Float(configuration.scale)
            )
            MatrixProduct.multiplyTransposing(
                outputGradient,
                state.columns(pair.stateColumns),
                into: matrixB(pair, in: gradientBuffer),
                adds: true
            )
        }
        MatrixProduct.multiplyTransposing(gradient, input, into: gradientA, adds: true)
        if let inputGradient {
            MatrixProduct.multiply(gradient, a, into: inputGradient, adds: true)
        }
    }

    private func stateGradient(rows: Int, columns: Int) -> Matrix {
        if stateGradient.count < rows * columns {
            stateGradient = FloatBuffer(count: rows * columns)
        }
        return stateGradient.matrix(at: 0, rows: rows, columns: columns)
    }
}
