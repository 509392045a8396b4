public import Checkpoints
public import Kernels
internal import Tensors

/// What a model's size and speed follow from, known before any of its weights is there: extents, and
/// how many bytes the matrices take in the files.
public struct ModelOutline: Hashable, Sendable {
    /// The architecture and its extents.
    public let configuration: ModelConfiguration
    /// The encoded bytes of each layer's seven matrices.
    public let layerByteCounts: [Int]
    /// The encoded bytes of the embedding.
    public let embeddingByteCount: Int
    /// The encoded bytes of the head; 0 where the embedding serves as one.
    public let headByteCount: Int

    /// Takes every matrix to have as many bits a value, as where only `config.json` is known.
    public init(configuration: ModelConfiguration, bitsPerWeight: Double) {
        func byteCount(_ elementCount: Int) -> Int {
            Int((Double(elementCount) * bitsPerWeight / 8).rounded())
        }
        self.configuration = configuration
        let table = byteCount(configuration.hiddenSize * configuration.vocabularySize)
        layerByteCounts = Array(
            repeating: byteCount(configuration.layerElementCount), count: configuration.layerCount)
        embeddingByteCount = table
        headByteCount = configuration.tiesWordEmbeddings ? 0 : table
    }

    /// Reads the descriptions of a checkpoint's tensors, and no weights.
    ///
    /// - Throws: `ModelError.missingTensor` for a matrix that is not described.
    public init(
        configuration: ModelConfiguration,
        tensors: [TensorDescription]
    ) throws(ModelError) {
        let byteCounts = Dictionary(
            tensors.map { ($0.name, $0.byteCount) }, uniquingKeysWith: { first, _ in first })
        func byteCount(_ name: String) throws(ModelError) -> Int {
            guard let count = byteCounts[name] else { throw .missingTensor(name: name) }
            return count
        }
        self.configuration = configuration
        var layers: [Int] = []
        for layer in 0..<configuration.layerCount {
            var sum = 0
            for projection in Projection.allCases {
                sum += try byteCount(projection.modulePath(layer: layer) + ".weight")
            }
            layers.append(sum)
        }
        layerByteCounts = layers
        embeddingByteCount = try byteCount("model.embed_tokens.weight")
        headByteCount =
            configuration.tiesWordEmbeddings ? 0 : try byteCount("lm_head.weight")
    }

    /// The bytes that all matrices take in memory.
    ///
    /// - Parameter threadCount: the threads that compute; streamed weights take what they decode at
    ///   the same time.
    public func weightByteCount(
        _ storage: FrozenWeight.Storage,
        threadCount: Int = ComputeThreads.count
    ) -> Int {
        let encoded = layerByteCounts.reduce(0, +) + embeddingByteCount + headByteCount
        return switch storage {
        case .encoded, .mapped: encoded
        case .streamed: min(encoded, passingByteCount(threadCount: threadCount))
        case .bfloat16: 2 * configuration.matrixElementCount
        case .float32: 4 * configuration.matrixElementCount
        }
    }

    /// What the greatest use of streamed weights has in memory.
    private func passingByteCount(threadCount: Int) -> Int {
        let largest = layerByteCounts.max() ?? 0
        var passing = FrozenWeight.passingByteCount(
            rowCount: configuration.vocabularySize,
            columnCount: configuration.hiddenSize,
            byteCount: max(embeddingByteCount, headByteCount),
            partCount: 1,
            threadCount: threadCount
        )
        for site in ProjectionSite.allCases {
            let shapes = site.projections.map { $0.weightShape(in: configuration).extents }
            let (rowCount, columnCount) = (shapes.reduce(0) { $0 + $1[0] }, shapes[0][1])
            let share = Double(rowCount * columnCount) / Double(configuration.layerElementCount)
            passing = max(
                passing,
                FrozenWeight.passingByteCount(
                    rowCount: rowCount,
                    columnCount: columnCount,
                    byteCount: Int((share * Double(largest)).rounded(.up)),
                    partCount: shapes.count,
                    threadCount: threadCount
                ))
        }
        return passing
    }
}

extension ModelConfiguration {
    /// The values of one layer's seven matrices.
    public var layerElementCount: Int {
        Projection.allCases.reduce(0) { $0 + $1.weightShape(in: self).elementCount }
    }

    /// The values of all matrices: those of the layers, the embedding, and the head if it has its
    /// own.
    public var matrixElementCount: Int {
        layerCount * layerElementCount
            + (tiesWordEmbeddings ? 1 : 2) * hiddenSize * vocabularySize
    }
}
