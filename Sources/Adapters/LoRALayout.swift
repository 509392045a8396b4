internal import Checkpoints
internal import Models
internal import Tensors

/// Where each matrix of a LoRA adapter lies in its buffer.
///
/// Per layer and site: the A of all adapted projections, row below row, so that one product serves
/// them together; then their B, one after the other.
struct LoRALayout {
    /// One adapted projection.
    struct Pair {
        let layer: Int
        let projection: Projection
        let inputSize: Int
        let outputSize: Int
        /// The place of A, [rank, input].
        let offsetOfA: Int
        /// The place of B, [output, rank].
        let offsetOfB: Int
        /// The columns of the site's output that belong to the projection.
        let outputColumns: Range<Int>
        /// The columns of the site's state that belong to the projection.
        let stateColumns: Range<Int>
    }

    let rank: Int
    /// Layer by layer, in the order of the sites.
    let pairs: [Pair]
    /// The values of the whole buffer.
    let count: Int
    private let ranges: [Range<Int>]

    init(configuration: LoRAConfiguration, model: ModelConfiguration) {
        rank = configuration.rank
        var pairs: [Pair] = []
        var ranges: [Range<Int>] = []
        var offset = 0
        for layer in 0..<model.layerCount {
            for site in ProjectionSite.allCases {
                let first = pairs.count
                Self.append(
                    site: site,
                    layer: layer,
                    configuration: configuration,
                    model: model,
                    offset: &offset,
                    to: &pairs
                )
                ranges.append(first..<pairs.count)
            }
        }
        self.pairs = pairs
        self.ranges = ranges
        count = offset
    }

    /// The adapted projections of a site, in the order of their columns.
    func pairs(layer: Int, site: ProjectionSite) -> ArraySlice<Pair> {
        pairs[ranges[layer * ProjectionSite.allCases.count + site.rawValue]]
    }

    /// The part of the buffer that a site's pairs fill, or `nil` where nothing is adapted.
    func range(of pairs: ArraySlice<Pair>) -> Range<Int>? {
        guard let first = pairs.first, let last = pairs.last else { return nil }
        return first.offsetOfA..<last.offsetOfB + last.outputSize * rank
    }

    /// The place that the values of a layer and of all above it begin at.
    func offset(ofLayer layer: Int) -> Int {
        pairs.first { $0.layer >= layer }?.offsetOfA ?? count
    }

    /// The values of the largest site.
    var siteCountMax: Int {
        ranges.compactMap { range(of: pairs[$0])?.count }.max() ?? 0
    }

    private static func append(
        site: ProjectionSite,
        layer: Int,
        configuration: LoRAConfiguration,
        model: ModelConfiguration,
        offset: inout Int,
        to pairs: inout [Pair]
    ) {
        let rank = configuration.rank
        let adapted =
            configuration.adapts(layer: layer)
            ? site.projections.filter(configuration.targets.contains) : []
        let offsetOfSite = offset
        offset += adapted.reduce(0) { $0 + rank * $1.weightShape(in: model).extents[1] }
        var column = 0
        for projection in site.projections {
            let shape = projection.weightShape(in: model)
            let (outputSize, inputSize) = (shape.extents[0], shape.extents[1])
            if let index = adapted.firstIndex(of: projection) {
                pairs.append(
                    Pair(
                        layer: layer,
                        projection: projection,
                        inputSize: inputSize,
                        outputSize: outputSize,
                        offsetOfA: offsetOfSite + index * rank * inputSize,
                        offsetOfB: offset,
                        outputColumns: column..<column + outputSize,
                        stateColumns: index * rank..<(index + 1) * rank
                    )
                )
                offset += outputSize * rank
            }
            column += outputSize
        }
    }
}
