internal import Tensors

/// What the tensors of a GGUF file say of its configuration.
struct GGUFParts {
    /// The rows of `token_embd.weight`, which decide the vocabulary's size.
    var embeddingRowCount: Int
    /// Whether `output.weight` exists; without it the embeddings are the head.
    var hasHead: Bool
    /// Whether `blk.0.attn_q.bias` exists.
    var hasAttentionBiases: Bool
    /// The values of `rope_freqs.weight`, if it exists.
    var ropeDivisors: [Float]?
}

extension GGUFParts {
    /// The one tensor whose values are needed before the model's weights are.
    static let ropeDivisorsName = "rope_freqs.weight"

    /// Looks the parts up and reads the divisors.
    init(_ layout: GGUFLayout, file: MappedFile) throws(CheckpointError) {
        let embeddings = try layout.requiredTensor("token_embd.weight")
        embeddingRowCount = embeddings.shape.extents.first ?? 0
        hasHead = layout.tensor("output.weight") != nil
        hasAttentionBiases = layout.tensor("blk.0.attn_q.bias") != nil
        guard let tensor = layout.tensor(Self.ropeDivisorsName) else { return }
        func fail(_ problem: CheckpointError.TensorProblem) -> CheckpointError {
            .invalidTensor(path: file.path, tensor: tensor.name, problem: problem)
        }
        guard tensor.elementType == .float32 else {
            throw fail(.unsupportedType(tensor.elementType.rawValue))
        }
        // Half of the greatest head; what follows copies no more than this.
        let countMax = 1 << 16
        guard tensor.shape.extents.count == 1, tensor.shape.elementCount <= countMax else {
            throw fail(
                .shapeMismatch(actual: tensor.shape.extents, expected: "half of a head's channels")
            )
        }
        let divisors = FloatDecoding.floats(
            try file.bytes(in: tensor.range), elementType: .float32)
        if let index = divisors.firstIndex(where: { !$0.isFinite }) {
            throw fail(.notFinite(index: index))
        }
        ropeDivisors = divisors
    }
}
