public import Checkpoints
public import Kernels
internal import Models
public import Tensors

/// A LoRA adapter of which a part is trained: y = x W^T + s (x A_t^T) B_t^T + s (x A_f^T) B_f^T.
///
/// What a node of small memory trains of a federation's adapter: some directions (rows of A with the
/// columns of B that have their numbers), perhaps one half of them, perhaps in some layers only. The
/// others stay in the forward product and have neither gradients nor moments, nor activations
/// that are kept, and lie in memory in the type that products read.
///
/// ``parameters``, gradients and what the optimizer sees are the trained part alone: A [directions,
/// input] and B [output, directions] under the names of the whole. ``merged(into:)`` puts them back.
///
/// Not `Sendable`: it lives where the model does.
///
/// Source: the split into a trained selection and a frozen rest is Fed-PLoRA's, reconstructed from a
/// description.
public final class PartialLoRAAdapter {
    /// The settings of the whole adapter.
    public let configuration: LoRAConfiguration
    /// The extents of the model that it fits.
    public let model: ModelConfiguration
    /// The type that products read.
    public let computeType: ComputeType

    let layout: PartialLoRALayout
    private let parameterBuffer: FloatBuffer
    /// Made when it is first asked for: forward passes have no gradients.
    lazy var gradientBuffer: FloatBuffer = {
        let buffer = FloatBuffer(count: layout.trainedCount)
        buffer.clear()
        return buffer
    }()
    /// In ``computeType``; places count its elements.
    private let frozenBuffer: FloatBuffer
    /// The trained parameters of one site as products read them where that is not Float32.
    private var roundedParameters = FloatBuffer(count: 0)
    private var roundedOffset = 0
    /// The states of one site, or their gradient.
    private var stateScratch = FloatBuffer(count: 0)
    /// The frozen states of one site, or their gradient, as products read them.
    private var frozenState = FloatBuffer(count: 0)
    let gradientScratch: FloatBuffer

    /// Splits an adapter.
    ///
    /// - Parameters:
    ///   - whole: tensors with the names and shapes of a ``LoRAAdapter`` of that configuration, and
    ///     perhaps others.
    ///   - trained: the directions, ascending, of each tensor that is trained; the halves of a pair
    ///     have the same, or one half is frozen everywhere.
    public init(
        configuration: LoRAConfiguration,
        model: ModelConfiguration,
        whole: NamedTensors,
        trained: [String: [Int]],
        computeType: ComputeType
    ) {
        self.configuration = configuration
        self.model = model
        self.computeType = computeType
        let layout = PartialLoRALayout(
            LoRALayout(configuration: configuration, model: model),
            layerCount: model.layerCount, trained: trained)
        self.layout = layout
        parameterBuffer = FloatBuffer(count: layout.trainedCount)
        frozenBuffer = FloatBuffer(
            count: FloatBuffer.room(rows: 1, columns: layout.frozenCount, type: computeType))
        let widest =
            layout.sites.flatMap(\.trained)
            .map { $0.pair.outputSize * $0.directions.count }.max() ?? 0
        gradientScratch = FloatBuffer(count: widest)
        for site in layout.sites {
            for part in site.trained { load(part, from: whole, isTrained: true) }
            for part in site.frozen { load(part, from: whole, isTrained: false) }
        }
    }

    /// The number of trained values.
    public var parameterCount: Int { layout.trainedCount }

    /// The first layer, from 0, of which something is trained.
    public var firstTrainedLayer: Int { layout.firstTrainedLayer }

    /// Lends the trained parameters, in the adapter's own order, for the length of a call.
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

    /// Copies of the trained parameters: A [directions, input], B [output, directions].
    ///
    /// What is assigned must have the same names and shapes.
    public var parameters: NamedTensors {
        get { trainedTensors(in: parameterBuffer) }
        set {
            precondition(newValue.hasSameLayout(as: parameters), "another adapter's tensors")
            forEachTrained { name, offset, rows, columns, _, _ in
                guard let tensor = newValue[name] else {
                    preconditionFailure("a tensor of the adapter is missing")
                }
                parameterBuffer.matrix(at: offset, rows: rows, columns: columns)
                    .copy(from: tensor.values)
            }
        }
    }

    /// Copies of the gradients under the names of the trained parameters.
    public var gradients: NamedTensors { trainedTensors(in: gradientBuffer) }

    /// The whole tensors with the trained part in its place.
    ///
    /// - Parameter whole: what the adapter was split from, or tensors of that layout.
    public func merged(into whole: NamedTensors) -> NamedTensors {
        var result = whole
        forEachTrained { name, offset, rows, columns, directions, axis in
            guard var tensor = whole[name] else {
                preconditionFailure("a tensor of the adapter is missing")
            }
            let part = parameterBuffer.matrix(at: offset, rows: rows, columns: columns)
            let width = tensor.shape.extents[1]
            var values = tensor.values
            for row in 0..<rows {
                for column in 0..<columns {
                    let place =
                        axis == 0
                        ? directions[row] * width + column : row * width + directions[column]
                    values[place] = part[row, column]
                }
            }
            tensor.values = values
            result.replace(name, with: tensor)
        }
        return result
    }

    /// The trained part of tensors of the whole layout, in the adapter's own order.
    public func values(of whole: NamedTensors) -> [Float] {
        var values = [Float](repeating: 0, count: layout.trainedCount)
        forEachTrained { name, offset, rows, columns, directions, axis in
            guard let tensor = whole[name] else {
                preconditionFailure("a tensor of the adapter is missing")
            }
            let part = Self.part(of: tensor, directions, axis: axis)
            values.replaceSubrange(offset..<offset + rows * columns, with: part)
        }
        return values
    }
}

// MARK: - Places

extension PartialLoRAAdapter {
    /// Calls for every trained half with its name, place, extents, directions and their axis.
    private func forEachTrained(_ body: (String, Int, Int, Int, [Int], Int) -> Void) {
        for part in layout.sites.flatMap(\.trained) {
            let count = part.directions.count
            if layout.trainsInputs {
                body(
                    LoRAAdapter.name(part.pair, "A"), part.offsetOfA, count,
                    part.pair.inputSize, part.directions, 0)
            }
            if layout.trainsOutputs {
                body(
                    LoRAAdapter.name(part.pair, "B"), part.offsetOfB, part.pair.outputSize,
                    count, part.directions, 1)
            }
        }
    }

    private func trainedTensors(in buffer: FloatBuffer) -> NamedTensors {
        var elements: [NamedTensors.Element] = []
        forEachTrained { name, offset, rows, columns, _, _ in
            elements.append(
                .init(
                    name: name,
                    tensor: FloatTensor(
                        shape: Shape([rows, columns]),
                        values: buffer.matrix(at: offset, rows: rows, columns: columns).values)))
        }
        return NamedTensors(elements)
    }

    private func load(
        _ part: PartialLoRALayout.Part, from whole: NamedTensors, isTrained: Bool
    ) {
        let count = part.directions.count
        for (half, axis) in [("A", 0), ("B", 1)] {
            let name = LoRAAdapter.name(part.pair, half)
            let shape =
                axis == 0
                ? Shape([configuration.rank, part.pair.inputSize])
                : Shape([part.pair.outputSize, configuration.rank])
            guard let tensor = whole[name], tensor.shape == shape else {
                preconditionFailure("\(name) is missing or has another shape than \(shape)")
            }
            let values = Self.part(of: tensor, part.directions, axis: axis)
            let offset = axis == 0 ? part.offsetOfA : part.offsetOfB
            let rows = axis == 0 ? count : part.pair.outputSize
            let columns = axis == 0 ? part.pair.inputSize : count
            if isTrained, axis == 0 ? layout.trainsInputs : layout.trainsOutputs {
                parameterBuffer.matrix(at: offset, rows: rows, columns: columns)
                    .copy(from: values)
            } else {
                let wide = FloatBuffer(count: values.count).take(rows: rows, columns: columns)
                wide.copy(from: values)
                frozen(at: offset, rows: rows, columns: columns).store(wide)
            }
        }
    }

    /// Rows (axis 0) or columns (axis 1) of a matrix, row-major.
    private static func part(of tensor: FloatTensor, _ directions: [Int], axis: Int) -> [Float] {
        let (rows, width) = (tensor.shape.extents[0], tensor.shape.extents[1])
        guard axis == 1 else {
            return directions.flatMap { tensor.values[$0 * width..<($0 + 1) * width] }
        }
        return (0..<rows).flatMap { row in directions.map { tensor.values[row * width + $0] } }
    }

    private func frozen(at offset: Int, rows: Int, columns: Int) -> Operand {
        frozenBuffer.operand(atElement: offset, rows: rows, columns: columns, type: computeType)
    }

    /// A half of trained directions as products read it.
    private func operand(
        at offset: Int, rows: Int, columns: Int, isTrained: Bool
    ) -> Operand {
        guard isTrained else { return frozen(at: offset, rows: rows, columns: columns) }
        guard computeType == .bfloat16 else {
            return .float32(parameterBuffer.matrix(at: offset, rows: rows, columns: columns))
        }
        return roundedParameters.operand(
            atElement: offset - roundedOffset, rows: rows, columns: columns, type: .bfloat16)
    }

    /// The A of all parts, row below row.
    func stackedA(_ parts: [PartialLoRALayout.Part], isTrained: Bool) -> Operand? {
        guard let first = parts.first, let last = parts.last else { return nil }
        return operand(
            at: first.offsetOfA, rows: last.stateColumns.upperBound,
            columns: first.pair.inputSize, isTrained: isTrained && layout.trainsInputs)
    }

    func operandB(_ part: PartialLoRALayout.Part, isTrained: Bool) -> Operand {
        operand(
            at: part.offsetOfB, rows: part.pair.outputSize, columns: part.directions.count,
            isTrained: isTrained && layout.trainsOutputs)
    }

    /// Rounds a site's trained parameters where products do not read Float32.
    func prepare(_ site: PartialLoRALayout.Site) {
        let range = site.trainedRange
        guard computeType == .bfloat16, !range.isEmpty else { return }
        let room = FloatBuffer.room(rows: 1, columns: range.count, type: .bfloat16)
        if roundedParameters.count < room { roundedParameters = FloatBuffer(count: room) }
        roundedOffset = range.lowerBound
        roundedParameters.operand(atElement: 0, rows: 1, columns: range.count, type: .bfloat16)
            .store(parameterBuffer.matrix(at: range.lowerBound, rows: 1, columns: range.count))
    }

    func scratch(rows: Int, columns: Int) -> Matrix {
        if stateScratch.count < rows * columns {
            stateScratch = FloatBuffer(count: rows * columns)
        }
        return stateScratch.matrix(at: 0, rows: rows, columns: columns)
    }

    func frozenState(rows: Int, columns: Int) -> Operand {
        let room = FloatBuffer.room(rows: rows, columns: columns, type: computeType)
        if frozenState.count < room { frozenState = FloatBuffer(count: room) }
        return frozenState.operand(atElement: 0, rows: rows, columns: columns, type: computeType)
    }
}
