internal import Checkpoints
internal import Kernels
internal import Tensors

/// The frozen weights of a decoder.
struct DecoderWeights {
    /// One decoder layer.
    struct Layer {
        /// The norm before attention: [1, channel].
        let inputNorm: Matrix
        /// Query, key and value weights, row below row.
        let queryKeyValue: FrozenWeight
        /// Their biases side by side, or `nil`: [1, row of `queryKeyValue`].
        let queryKeyValueBias: Matrix?
        /// The norm of each query head, or `nil`: [1, D].
        let queryNorm: Matrix?
        /// The norm of each key head, or `nil`: [1, D].
        let keyNorm: Matrix?
        /// The output weight: [channel, H x D].
        let output: FrozenWeight
        /// The norm before the MLP: [1, channel].
        let middleNorm: Matrix
        /// Gate and up weights, row below row: [2 x MLP channel, channel].
        let gateUp: FrozenWeight
        /// The down weight: [channel, MLP channel].
        let down: FrozenWeight
    }

    /// The embedding: [V, channel].
    let embedding: FrozenWeight
    let layers: [Layer]
    /// The norm before the head: [1, channel].
    let finalNorm: Matrix
    /// The head, or the embedding where they are tied: [V, channel].
    let head: FrozenWeight
    private let isTied: Bool

    /// Checks every name and shape, then allocates, then reads.
    init(source: any TensorSource, storage: FrozenWeight.Storage) throws(ModelError) {
        let configuration = source.configuration
        try Self.check(configuration)
        let loader = TensorLoader(source: source, storage: storage)
        let names = DecoderTensorNames(configuration)
        for (name, shape) in names.all { try loader.require(name, shape: shape) }
        embedding = try loader.weight([names.embedding])
        finalNorm = try loader.vector([names.finalNorm])
        isTied = configuration.tiesWordEmbeddings
        head = isTied ? embedding : try loader.weight([names.head])
        var layers: [Layer] = []
        for names in names.layers {
            let extras = names.extras
            layers.append(
                Layer(
                    inputNorm: try loader.vector([names.inputNorm]),
                    queryKeyValue: try loader.weight(names.queryKeyValue),
                    queryKeyValueBias: extras.biases.isEmpty
                        ? nil : try loader.vector(extras.biases),
                    queryNorm: try loader.vector(extras.queryNorm),
                    keyNorm: try loader.vector(extras.keyNorm),
                    output: try loader.weight([names.output]),
                    middleNorm: try loader.vector([names.middleNorm]),
                    gateUp: try loader.weight(names.gateUp),
                    down: try loader.weight([names.down])
                )
            )
        }
        self.layers = layers
    }

    /// The bytes that all weights take; norms and biases, a thousandth of them, are left out.
    ///
    /// Streamed weights take what their greatest use has in memory at one time.
    var byteCount: Int {
        let all =
            layers.flatMap { [$0.queryKeyValue, $0.output, $0.gateUp, $0.down] }
            + [embedding] + (isTied ? [] : [head])
        return all.reduce(0) { $0 + $1.byteCount } + (all.map(\.passingByteCount).max() ?? 0)
    }

    /// The bounds keep products of extents inside an `Int`; no known model comes near them.
    private static func check(_ configuration: ModelConfiguration) throws(ModelError) {
        let heads = configuration.attentionHeadCount
        let keyHeads = configuration.keyValueHeadCount
        let fields: [(String, Int, ClosedRange<Int>)] = [
            ("hidden_size", configuration.hiddenSize, 1...1 << 18),
            ("intermediate_size", configuration.intermediateSize, 1...1 << 20),
            ("num_hidden_layers", configuration.layerCount, 1...1 << 12),
            ("num_attention_heads", heads, 1...1 << 12),
            ("num_key_value_heads", keyHeads, 1...1 << 12),
            ("head_dim", configuration.headDimension, 2...1 << 12),
            ("vocab_size", configuration.vocabularySize, 1...1 << 24),
            ("max_position_embeddings", configuration.positionCountMax, 1...1 << 30),
        ]
        for (field, value, range) in fields where !range.contains(value) {
            throw .unsupportedConfiguration(field: field, value: value)
        }
        guard heads % keyHeads == 0 else {
            throw .unsupportedConfiguration(field: "num_key_value_heads", value: keyHeads)
        }
        guard configuration.headDimension % 2 == 0 else {
            throw .unsupportedConfiguration(field: "head_dim", value: configuration.headDimension)
        }
    }
}
