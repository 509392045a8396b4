public import Kernels

/// The settings of a READ adapter, as `read_config.json` names them.
public struct READConfiguration: Hashable, Sendable {
    /// What is made of the states of all steps.
    public enum Aggregation: String, Hashable, Sendable, CaseIterable {
        /// Their mean.
        case mean
        /// The last one alone.
        case last
    }

    /// How the output's weight begins.
    public enum OutputStart: String, Hashable, Sendable, CaseIterable {
        /// At 0, so that a fresh adapter changes nothing.
        case zero
        /// Uniform in (-1/sqrt(h), 1/sqrt(h)), as PyTorch's `Linear` begins.
        case uniform
    }

    /// `hidden_size`, h: the values of the network's state.
    public var stateSize: Int
    /// `cell`.
    public var cell: RecurrentCell
    /// `aggregation`.
    public var aggregation: Aggregation
    /// `in_scale`: what normed hidden states are multiplied by.
    public var inputScale: Double
    /// `out_scale`: what the correction is multiplied by.
    public var outputScale: Double
    /// `adapted_layers`: the layers, from 0, whose outputs the network sees, in ascending order;
    /// `nil` for all.
    public var adaptedLayers: [Int]?
    /// `embedding_init_hidden`: whether the first state is computed from the embedding.
    public var startsFromEmbedding: Bool

    /// Makes settings; layers are put in order, each once.
    ///
    /// 256 values and a GRU are what the paper's parameter counts fit. The last state did better than
    /// the mean wherever both were measured; one mean is the default of the code that the paper's
    /// authors' project holds.
    public init(
        stateSize: Int = 256,
        cell: RecurrentCell = .gru,
        aggregation: Aggregation = .last,
        inputScale: Double = 1,
        outputScale: Double = 1,
        adaptedLayers: [Int]? = nil,
        startsFromEmbedding: Bool = false
    ) {
        precondition(stateSize > 0, "a state of \(stateSize) values")
        precondition(
            inputScale.isFinite && outputScale.isFinite, "scales \(inputScale), \(outputScale)")
        self.stateSize = stateSize
        self.cell = cell
        self.aggregation = aggregation
        self.inputScale = inputScale
        self.outputScale = outputScale
        self.adaptedLayers = adaptedLayers.map { Set($0).sorted() }
        self.startsFromEmbedding = startsFromEmbedding
    }

    /// The layers, from 0, that the network sees in a model of as many layers.
    func layers(of layerCount: Int) -> [Int] {
        adaptedLayers ?? Array(0..<layerCount)
    }
}
