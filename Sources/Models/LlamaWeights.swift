internal import Checkpoints
internal import Kernels
internal import Tensors

/// The frozen weights of ``Llama`` as Float32, in one buffer.
struct LlamaWeights {
    /// One decoder layer.
    struct Layer {
        /// The norm before attention: [1, channel].
        let inputNorm: Matrix
        /// Query, key and value weights, row below row.
        let queryKeyValue: Matrix
        /// The output weight: [channel, H x D].
        let output: Matrix
        /// The norm before the MLP: [1, channel].
        let middleNorm: Matrix
        /// Gate and up weights, row below row: [2 x MLP channel, channel].
        let gateUp: Matrix
        /// The down weight: [channel, MLP channel].
        let down: Matrix
    }

    /// The embedding: [V, channel].
    let embedding: Matrix
    let layers: [Layer]
    /// The norm before the head: [1, channel].
    let finalNorm: Matrix
    /// The head, or the embedding where they are tied: [V, channel].
    let head: Matrix
    private let buffer: FloatBuffer

    /// Checks every name and shape, then allocates, then reads.
    init(source: any TensorSource) throws(ModelError) {
        let configuration = source.configuration
        try Self.check(configuration)
        let loader = TensorLoader(source: source)
        let names = Names(configuration)
        for (name, shape) in names.all { try loader.require(name, shape: shape) }
        let count = names.all.reduce(0) { sum, entry in
            sum + FloatBuffer.room(rows: 1, columns: entry.shape.elementCount)
        }
        buffer = FloatBuffer(count: count)
        embedding = try Self.read([names.embedding], loader, buffer)
        finalNorm = try Self.read([names.finalNorm], loader, buffer)
        head =
            configuration.tiesWordEmbeddings
            ? embedding : try Self.read([names.head], loader, buffer)
        var layers: [Layer] = []
        for names in names.layers {
            layers.append(
                Layer(
                    inputNorm: try Self.read([names.inputNorm], loader, buffer),
                    queryKeyValue: try Self.read(names.queryKeyValue, loader, buffer),
                    output: try Self.read([names.output], loader, buffer),
                    middleNorm: try Self.read([names.middleNorm], loader, buffer),
                    gateUp: try Self.read(names.gateUp, loader, buffer),
                    down: try Self.read([names.down], loader, buffer)
                )
            )
        }
        self.layers = layers
    }

    /// Reads tensors of equal row length below one another.
    private static func read(
        _ entries: [Names.Entry],
        _ loader: TensorLoader,
        _ buffer: FloatBuffer
    ) throws(ModelError) -> Matrix {
        let rowCounts = entries.map { $0.shape.extents.count == 1 ? 1 : $0.shape.extents[0] }
        let whole = buffer.take(
            rows: rowCounts.reduce(0, +),
            columns: entries[0].shape.extents.last ?? 0
        )
        var row = 0
        for (entry, rowCount) in zip(entries, rowCounts) {
            try loader.load(entry.name, into: whole.rows(row..<row + rowCount))
            row += rowCount
        }
        return whole
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

/// The tensors of a Llama checkpoint.
private struct Names {
    typealias Entry = (name: String, shape: Shape)

    struct Layer {
        let inputNorm, output, middleNorm, down: Entry
        let queryKeyValue, gateUp: [Entry]
    }

    let embedding, finalNorm, head: Entry
    let layers: [Layer]
    /// Everything that is read.
    let all: [Entry]

    init(_ model: ModelConfiguration) {
        let table = Shape([model.vocabularySize, model.hiddenSize])
        let norm = Shape([model.hiddenSize])
        embedding = ("model.embed_tokens.weight", table)
        finalNorm = ("model.norm.weight", norm)
        head = ("lm_head.weight", table)
        layers = (0..<model.layerCount).map { index in
            func weight(_ projection: Projection) -> Entry {
                (
                    projection.modulePath(layer: index) + ".weight",
                    projection.weightShape(in: model)
                )
            }
            return Layer(
                inputNorm: ("model.layers.\(index).input_layernorm.weight", norm),
                output: weight(.output),
                middleNorm: ("model.layers.\(index).post_attention_layernorm.weight", norm),
                down: weight(.down),
                queryKeyValue: [weight(.query), weight(.key), weight(.value)],
                gateUp: [weight(.gate), weight(.up)]
            )
        }
        let shared =
            model.tiesWordEmbeddings ? [embedding, finalNorm] : [embedding, finalNorm, head]
        all = layers.reduce(into: shared) { all, layer in
            all += [layer.inputNorm, layer.output, layer.middleNorm, layer.down]
            all += layer.queryKeyValue + layer.gateUp
        }
    }
}
