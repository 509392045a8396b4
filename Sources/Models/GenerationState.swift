internal import Checkpoints
internal import Kernels

/// The keys and values of the positions that a generation has seen.
public final class GenerationState {
    /// The positions that fit.
    public let capacity: Int
    /// The positions seen so far.
    public internal(set) var count = 0

    private let keyWidth: Int
    private let type: ComputeType
    private let room: Int
    private let buffer: FloatBuffer

    init(configuration: ModelConfiguration, capacity: Int, type: ComputeType) {
        precondition(
            capacity > 0 && capacity <= configuration.positionCountMax,
            "\(capacity) positions; the model knows \(configuration.positionCountMax)"
        )
        self.capacity = capacity
        self.type = type
        keyWidth = configuration.keyValueHeadCount * configuration.headDimension
        room = FloatBuffer.room(rows: capacity, columns: keyWidth, type: type)
        buffer = FloatBuffer(count: configuration.layerCount * 2 * room)
    }

    /// Shape: [position, key/value channel], keys after their rotation.
    func keys(layer: Int) -> Operand {
        buffer.matrix(at: 2 * layer * room, rows: capacity, columns: keyWidth, type: type)
    }

    /// Shape: [position, key/value channel].
    func values(layer: Int) -> Operand {
        buffer.matrix(at: (2 * layer + 1) * room, rows: capacity, columns: keyWidth, type: type)
    }
}
