internal import Adapters
internal import Checkpoints
internal import Federation
internal import Kernels
internal import Models
internal import Tensors

/// A LoRA adapter of which a part is trained: gradients of the rest are 0 whenever a trainer asks for
/// them, so its moments stay 0 too, and the rest takes part in the forward product as it is.
///
/// This is where a member's selection and its correction of gradients enter a `LocalTrainer`,
/// which knows of neither.
final class SelectedAdapter {
    private let adapter: LoRAAdapter
    /// 1 where a value is trained, in the order of the adapter's buffer; `nil` for everywhere.
    private var mask: [Float]?
    private var correction: LocalCorrection?

    init(_ adapter: LoRAAdapter) {
        self.adapter = adapter
    }

    /// Trains the selection alone; `nil` for everything.
    func select(_ selection: TensorSelection?) {
        mask = selection.map { selection in
            let ones = adapter.parameters.elements.map { element in
                NamedTensors.Element(
                    name: element.name,
                    tensor: Self.ones(
                        element.tensor.shape, where: selection[element.name]))
            }
            return inBufferOrder(NamedTensors(ones))
        }
    }

    /// Trains the tensors of these names alone.
    func train(only names: Set<String>) {
        let ones = adapter.parameters.elements.map { element in
            let value: Float = names.contains(element.name) ? 1 : 0
            let shape = element.tensor.shape
            return NamedTensors.Element(
                name: element.name,
                tensor: FloatTensor(
                    shape: shape, values: [Float](repeating: value, count: shape.elementCount)))
        }
        mask = inBufferOrder(NamedTensors(ones))
    }

    /// Corrects gradients from now on; `nil` leaves them.
    func correct(_ correction: LocalCorrection?) {
        self.correction = correction.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func ones(_ shape: Shape, where entry: TensorSelection.Entry?) -> FloatTensor {
        guard let entry else { return FloatTensor(zeros: shape) }
        guard let directions = entry.directions, let axis = entry.axis else {
            return FloatTensor(
                shape: shape, values: [Float](repeating: 1, count: shape.elementCount))
        }
        let columnCount = shape.extents[1]
        var values = [Float](repeating: 0, count: shape.elementCount)
        for index in values.indices {
            let place = axis == 0 ? index / columnCount : index % columnCount
            if directions.contains(place) { values[index] = 1 }
        }
        return FloatTensor(shape: shape, values: values)
    }

    /// The values of tensors with the adapter's names, as its buffers have them.
    private func inBufferOrder(_ tensors: NamedTensors) -> [Float] {
        let kept = adapter.parameters
        adapter.parameters = tensors
        defer { adapter.parameters = kept }
        return unsafe adapter.withParameters { unsafe Array($0) }
    }

    private func restrictGradients() {
        var corrected: [Float]?
        if let correction {
            var gradients = adapter.gradients
            correction.apply(to: &gradients, at: adapter.parameters)
            corrected = inBufferOrder(gradients)
        }
        guard mask != nil || corrected != nil else { return }
        unsafe adapter.withGradients { buffer in
            for index in buffer.indices {
                var value = unsafe corrected?[index] ?? buffer[index]
                if let mask { value *= mask[index] }
                unsafe buffer[index] = value
            }
        }
    }
}

extension SelectedAdapter: TrainableAdapter {
    var parameterCount: Int { adapter.parameterCount }

    var parameters: NamedTensors {
        get { adapter.parameters }
        set { adapter.parameters = newValue }
    }

    var gradients: NamedTensors {
        restrictGradients()
        return adapter.gradients
    }

    var tap: ModelTap { adapter.tap }
    var settings: [AdapterSetting] { adapter.settings }
    var takesDropout: Bool { adapter.takesDropout }
    var fileNames: [String] { adapter.fileNames }

    func withParameters<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe adapter.withParameters(body)
    }

    func withGradients<Result, Failure: Error>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        restrictGradients()
        return try unsafe adapter.withGradients(body)
    }

    func zeroGradients() { adapter.zeroGradients() }
    func fits(_ model: ModelConfiguration) -> Bool { adapter.fits(model) }

    func drop(_ plan: DropoutPlan?, sequenceLength: Int) {
        adapter.drop(plan, sequenceLength: sequenceLength)
    }

    func write(to path: String, baseModelName: String?) throws(CheckpointError) {
        try adapter.write(to: path, baseModelName: baseModelName)
    }
}
