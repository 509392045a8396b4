internal import Checkpoints
internal import Kernels

/// The keys and values of the positions that a generation has seen.
public final class GenerationState {
    /// The positions that fit.
    public let capacity: Int
    /// The positions seen so far.
    public internal(set) var count = 0

    private let keyWidth: Int
    private let buffer: FloatBuffer

    init(configuration: ModelConfiguration, capacity: Int) {
        precondition(
            capacity > 0 && capacity <= configuration.positionCountMax,
            "\(capacity) positions; the model knows \(configuration.positionCountMax)"
        )
        self.capacity = capacity
        keyWidth = configuration.keyValueHeadCount * configuration.headDimension
        buffer = FloatBuffer(count: configuration.layerCount * 2 * capacity * keyWidth)
    }

    /// Shape: [position, key/value channel], keys after their rotation.
    func keys(layer: Int) -> Matrix {
        buffer.matrix(at: 2 * layer * capacity * keyWidth, rows: capacity, columns: keyWidth)
    }

    /// Shape: [position, key/value channel].
    func values(layer: Int) -> Matrix {
        buffer.matrix(at: (2 * layer + 1) * capacity * keyWidth, rows: capacity, columns: keyWidth)
    }
}
