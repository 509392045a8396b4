/// A dense Float32 tensor in memory, row-major.
public struct FloatTensor: Hashable, Sendable {
    /// The extents.
    public let shape: Shape
    /// The elements, row-major; as many as `shape.elementCount`.
    public var values: [Float] {
        didSet { checkCount() }
    }

    /// Makes a tensor whose value count equals the shape's element count.
    public init(shape: Shape, values: [Float]) {
        self.shape = shape
        self.values = values
        checkCount()
    }

    /// Makes a tensor of zeros.
    public init(zeros shape: Shape) {
        self.init(shape: shape, values: [Float](repeating: 0, count: shape.elementCount))
    }

    private func checkCount() {
        precondition(
            values.count == shape.elementCount,
            "\(values.count) values for shape \(shape)"
        )
    }
}
