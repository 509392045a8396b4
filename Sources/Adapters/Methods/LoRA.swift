public import Checkpoints
public import Kernels
public import Models
public import Tensors

/// Low-rank adapters: y = x W^T + s (x A^T) B^T with A [rank, input] and B [output, rank].
///
/// A starts uniform in (-1/sqrt(input), 1/sqrt(input)) from the seed, B at 0, so a fresh adapter
/// changes nothing. Parameters and gradients lie in one buffer each, in a fixed order of the
/// adapter's own; names and their order are those of PEFT's files. Layers below the first trained
/// one stay as they are: their terms are part of the forward pass and have no gradients.
///
/// Not `Sendable`: it lives where the model does. ``parameters`` is the value that travels.
///
/// Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1.
///
/// ### Deviations
/// The projections of a site share the dropout of their input.
public final class LoRAAdapter {
    /// The method's name in files: PEFT's `peft_type`.
    public static let methodName = "LORA"

    /// The settings.
    public let configuration: LoRAConfiguration
    /// The extents of the model that it fits.
    public let model: ModelConfiguration
    /// The first layer, from 0, whose parameters are trained; 0 for all.
    public let firstTrainedLayer: Int

    let layout: LoRALayout
    let parameterBuffer: FloatBuffer
    /// The gradients of what is trained; made when they are first asked for.
    lazy var gradientBuffer: FloatBuffer = {
        let buffer = FloatBuffer(count: parameterCount)
        buffer.clear()
        return buffer
    }()
    /// The place in the parameters that those which are trained begin at.
    private let trainedOffset: Int
    /// The states of one site, or their gradient; as large as the largest batch so far.
    private var stateGradient = FloatBuffer(count: 0)
    /// The parameters of one site as products read them where that is not Float32.
    private lazy var roundedParameters = FloatBuffer(
        count: FloatBuffer.room(rows: 1, columns: layout.siteCountMax, type: .bfloat16))
    /// The place in the parameters that the rounded ones begin at.
    private var roundedOffset = 0
    private var computeType = ComputeType.float32
    /// Room for the gradient of one B.
    private lazy var gradientScratch = FloatBuffer(
        count: layout.rank * (layout.pairs.map(\.outputSize).max() ?? 0))
    /// What the forward and backward passes drop of their inputs; `nil` outside of training.
    var dropout: LoRADropout?
    /// A site's input with elements dropped, and the same of its gradient.
    private var droppedInput = FloatBuffer(count: 0)
    private var droppedGradient = FloatBuffer(count: 0)

    /// Makes a fresh adapter, of which the layers from `firstTrainedLayer` on are trained.
    public init(
        configuration: LoRAConfiguration,
        model: ModelConfiguration,
        seed: UInt64,
        firstTrainedLayer: Int = 0
    ) {
        precondition(
            configuration.layers?.allSatisfy { (0..<model.layerCount).contains($0) } ?? true,
            "layers \(configuration.layers ?? []) of \(model.layerCount)"
        )
        self.configuration = configuration
        self.model = model
        self.firstTrainedLayer = firstTrainedLayer
        layout = LoRALayout(configuration: configuration, model: model)
        trainedOffset = layout.offset(ofLayer: firstTrainedLayer)
        parameterBuffer = FloatBuffer(count: layout.count)
        parameterBuffer.clear()
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
    public var parameterCount: Int { layout.count - trainedOffset }

    /// Lends the trained parameters, in the adapter's own order, for the length of a call.
    public func withParameters<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe parameterBuffer.withValues { values throws(Failure) in
            try unsafe body(UnsafeMutableBufferPointer(rebasing: values[trainedOffset...]))
        }
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

    /// Copies of all parameters, trained or not, under PEFT's file names.
    ///
    /// What is assigned must have the same names and shapes.
    public var parameters: NamedTensors {
        get { namedTensors(layout.pairs[...], in: parameterBuffer) }
        set {
            precondition(newValue.hasSameLayout(as: parameters), "another adapter's tensors")
            load(newValue)
        }
    }

    /// Copies of the gradients under the names of the trained parameters.
    public var gradients: NamedTensors {
        namedTensors(layout.pairs.drop { $0.layer < firstTrainedLayer }, in: gradientBuffer)
    }

    /// s B A of one projection, or `nil` where it is not adapted.
    ///
    /// Shape: that of the projection's weight.
    public func delta(layer: Int, projection: Projection) -> FloatTensor? {
        let pairs = layout.pairs(layer: layer, site: projection.site)
        guard let pair = pairs.first(where: { $0.projection == projection }) else { return nil }
        let product = FloatBuffer(count: pair.outputSize * pair.inputSize)
        let delta = product.take(rows: pair.outputSize, columns: pair.inputSize)
        MatrixProduct.multiply(
            .float32(matrixB(pair, in: parameterBuffer)),
            .float32(matrixA(pair, in: parameterBuffer)),
            into: delta,
            scale: Float(configuration.scale)
        )
        return FloatTensor(
            shape: Shape([pair.outputSize, pair.inputSize]),
            values: delta.values
        )
    }

    /// The bytes of the buffers besides parameters and gradients, as they stand.
    var scratchByteCount: Int {
        4 * [stateGradient, roundedParameters, gradientScratch].reduce(0) { $0 + $1.count }
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

    private func namedTensors(
        _ pairs: ArraySlice<LoRALayout.Pair>, in buffer: FloatBuffer
    ) -> NamedTensors {
        NamedTensors(
            pairs.flatMap { pair in
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
        buffer.matrix(
            at: place(pair.offsetOfA, in: buffer), rows: layout.rank, columns: pair.inputSize)
    }

    private func matrixB(_ pair: LoRALayout.Pair, in buffer: FloatBuffer) -> Matrix {
        buffer.matrix(
            at: place(pair.offsetOfB, in: buffer), rows: pair.outputSize, columns: layout.rank)
    }

    private func place(_ offset: Int, in buffer: FloatBuffer) -> Int {
        buffer === parameterBuffer ? offset : offset - trainedOffset
    }

    /// The A of all adapted projections of a site, row below row, as products read them.
    private func stackedA(_ pairs: ArraySlice<LoRALayout.Pair>) -> Operand? {
        guard let first = pairs.first else { return nil }
        return passParameters(
            at: first.offsetOfA, rows: pairs.count * layout.rank, columns: first.inputSize)
    }

    private func operandB(_ pair: LoRALayout.Pair) -> Operand {
        passParameters(at: pair.offsetOfB, rows: pair.outputSize, columns: layout.rank)
    }

    private func passParameters(at offset: Int, rows: Int, columns: Int) -> Operand {
        guard computeType == .bfloat16 else {
            return .float32(parameterBuffer.matrix(at: offset, rows: rows, columns: columns))
        }
        return roundedParameters.operand(
            atElement: offset - roundedOffset, rows: rows, columns: columns, type: .bfloat16)
    }

    /// Rounds a site's parameters where products do not read Float32.
    private func prepare(_ pairs: ArraySlice<LoRALayout.Pair>) {
        guard computeType == .bfloat16, let range = layout.range(of: pairs) else { return }
        roundedOffset = range.lowerBound
        roundedParameters.operand(atElement: 0, rows: 1, columns: range.count, type: .bfloat16)
            .store(parameterBuffer.matrix(at: range.lowerBound, rows: 1, columns: range.count))
    }
}

extension LoRAAdapter: ProjectionTap {
    /// Takes in the type that products read.
    public func begin(_ type: ComputeType) {
        computeType = type
    }

    /// Whether any projection of the site is among the targets.
    public func adapts(layer: Int, site: ProjectionSite) -> Bool {
        !layout.pairs(layer: layer, site: site).isEmpty
    }

    /// The ranks of the site's adapted projections together.
    public func stateWidth(layer: Int, site: ProjectionSite) -> Int {
        layout.pairs(layer: layer, site: site).count * layout.rank
    }

    /// Keeps u = s x A^T as the state; each projection's output takes u B^T.
    public func forward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        state: Operand
    ) -> [LowRankTerm] {
        let pairs = layout.pairs(layer: layer, site: site)
        prepare(pairs)
        guard let a = stackedA(pairs) else { return [] }
        let scratch = scratch(rows: state.rowCount, columns: state.columnCount)
        ThinProduct.multiplyTransposed(
            drop(input, layer: layer, site: site), a, into: scratch,
            scale: Float(configuration.scale))
        state.store(scratch)
        return pairs.map { pair in
            LowRankTerm(
                columns: pair.outputColumns,
                left: state.columns(pair.stateColumns),
                timesTransposed: operandB(pair)
            )
        }
    }

    /// With u = s x A^T: gB += gy^T u, gu = s gy B, gA += gu^T x; the input's gradient takes gu A.
    public func backward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        outputGradient: Operand,
        state: Operand
    ) -> [LowRankTerm] {
        let pairs = layout.pairs(layer: layer, site: site)
        prepare(pairs)
        guard let a = stackedA(pairs), let first = pairs.first else { return [] }
        let scratch = scratch(rows: state.rowCount, columns: state.columnCount)
        for pair in pairs {
            let outputGradient = outputGradient.columns(pair.outputColumns)
            ThinProduct.multiply(
                outputGradient,
                operandB(pair),
                into: scratch.columns(pair.stateColumns),
                scale: Float(configuration.scale)
            )
            ThinProduct.addTransposing(
                outputGradient,
                state.columns(pair.stateColumns),
                to: matrixB(pair, in: gradientBuffer),
                scratch: gradientScratch
            )
        }
        // The state is not needed any more.
        state.store(scratch)
        let gradientA = gradientBuffer.matrix(
            at: place(first.offsetOfA, in: gradientBuffer),
            rows: pairs.count * layout.rank,
            columns: first.inputSize
        )
        MatrixProduct.multiplyTransposing(
            state, drop(input, layer: layer, site: site), into: gradientA, adds: true)
        guard let dropout else { return [LowRankTerm(left: state, times: a)] }
        let gradient = Self.room(
            rows: input.rowCount, columns: input.columnCount, in: &droppedGradient)
        MatrixProduct.multiply(state, a, into: gradient)
        Dropout.apply(dropout.mask(layer: layer, site: site), to: gradient, into: gradient)
        return [LowRankTerm(adding: gradient)]
    }

    /// The input as the adapter sees it: with elements dropped in training, if at all.
    private func drop(_ input: Operand, layer: Int, site: ProjectionSite) -> Operand {
        guard let dropout else { return input }
        let values = Self.room(
            rows: input.rowCount, columns: 2 * input.columnCount, in: &droppedInput)
        let wide = values.columns(0..<input.columnCount)
        input.load(into: wide)
        Dropout.apply(dropout.mask(layer: layer, site: site), to: wide, into: wide)
        guard input.type == .bfloat16 else { return .float32(wide) }
        let rounded = droppedInput.operand(
            atElement: 0, rows: input.rowCount, columns: 4 * input.columnCount, type: .bfloat16
        ).columns(2 * input.columnCount..<3 * input.columnCount)
        rounded.store(wide)
        return rounded
    }

    private static func room(rows: Int, columns: Int, in buffer: inout FloatBuffer) -> Matrix {
        if buffer.count < rows * columns { buffer = FloatBuffer(count: rows * columns) }
        return buffer.matrix(at: 0, rows: rows, columns: columns)
    }

    private func scratch(rows: Int, columns: Int) -> Matrix {
        Self.room(rows: rows, columns: columns, in: &stateGradient)
    }
}
