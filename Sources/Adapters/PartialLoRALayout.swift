internal import Models
internal import Tensors

/// Where the directions of a LoRA adapter lie when some are trained and the others frozen.
///
/// Per layer and site, of the trained ones as of the frozen ones: the A of all projections, row below
/// row, then their B, one after the other. A half of the trained ones that is not trained itself
/// lies with the frozen ones.
struct PartialLoRALayout {
    /// Some directions of one projection.
    struct Part {
        let pair: LoRALayout.Pair
        /// Ascending.
        let directions: [Int]
        /// The places of A, [direction, input], and of B, [output, direction].
        let offsetOfA: Int
        let offsetOfB: Int
        /// The columns of the site's state that belong to the part.
        let stateColumns: Range<Int>
    }

    /// The parts of one site of one layer.
    struct Site {
        var trained: [Part] = []
        var frozen: [Part] = []
        /// Where the trained values begin and end.
        var trainedRange = 0..<0

        var isEmpty: Bool { trained.isEmpty && frozen.isEmpty }
        var trainedColumnCount: Int { trained.last?.stateColumns.upperBound ?? 0 }
        var frozenColumnCount: Int { frozen.last?.stateColumns.upperBound ?? 0 }
    }

    /// Which halves of the trained directions are trained.
    let trainsInputs: Bool
    let trainsOutputs: Bool
    private(set) var sites: [Site] = []
    private(set) var trainedCount = 0
    private(set) var frozenCount = 0
    /// The first layer with a trained direction; the number of layers if there is none.
    let firstTrainedLayer: Int

    init(_ whole: LoRALayout, layerCount: Int, trained: [String: [Int]]) {
        func directions(_ pair: LoRALayout.Pair, _ half: String) -> [Int]? {
            trained[LoRAAdapter.name(pair, half)]
        }
        let trainsInputs = whole.pairs.contains { directions($0, "A") != nil }
        let trainsOutputs = whole.pairs.contains { directions($0, "B") != nil }
        self.trainsInputs = trainsInputs
        self.trainsOutputs = trainsOutputs
        func trainedDirections(_ pair: LoRALayout.Pair) -> [Int] {
            let (a, b) = (directions(pair, "A"), directions(pair, "B"))
            precondition(
                (a == nil) == (b == nil) || !trainsInputs || !trainsOutputs,
                "one half of \(LoRAAdapter.name(pair, "A")) is trained, and elsewhere both"
            )
            precondition(a == nil || b == nil || a == b, "halves of other directions")
            return a ?? b ?? []
        }
        firstTrainedLayer =
            whole.pairs.first { !trainedDirections($0).isEmpty }?.layer ?? layerCount
        for layer in 0..<layerCount {
            for site in ProjectionSite.allCases {
                let chosen = whole.pairs(layer: layer, site: site).map {
                    (pair: $0, trained: trainedDirections($0))
                }
                append(chosen, rank: whole.rank)
            }
        }
    }

    /// The parts of a site.
    func site(layer: Int, _ site: ProjectionSite) -> Site {
        sites[layer * ProjectionSite.allCases.count + site.rawValue]
    }

    private mutating func append(
        _ chosen: [(pair: LoRALayout.Pair, trained: [Int])], rank: Int
    ) {
        var site = Site()
        let start = trainedCount
        var trained = chosen.filter { !$0.trained.isEmpty }.map { ($0.pair, $0.trained) }
        site.trained = place(trained, inTrained: (trainsInputs, trainsOutputs))
        site.trainedRange = start..<trainedCount
        trained = chosen.compactMap { pair, own in
            let rest = (0..<rank).filter { !own.contains($0) }
            return rest.isEmpty ? nil : (pair, rest)
        }
        site.frozen = place(trained, inTrained: (false, false))
        sites.append(site)
    }

    /// Gives parts their places: all A, then all B.
    private mutating func place(
        _ parts: [(LoRALayout.Pair, [Int])], inTrained: (a: Bool, b: Bool)
    ) -> [Part] {
        func next(_ count: Int, isTrained: Bool, in layout: inout PartialLoRALayout) -> Int {
            defer {
                if isTrained { layout.trainedCount += count } else { layout.frozenCount += count }
            }
            return isTrained ? layout.trainedCount : layout.frozenCount
        }
        let inputs = parts.map { pair, directions in
            next(directions.count * pair.inputSize, isTrained: inTrained.a, in: &self)
        }
        var column = 0
        return zip(parts, inputs).map { part, offsetOfA in
            let (pair, directions) = part
            defer { column += directions.count }
            return Part(
                pair: pair, directions: directions, offsetOfA: offsetOfA,
                offsetOfB: next(
                    pair.outputSize * directions.count, isTrained: inTrained.b, in: &self),
                stateColumns: column..<column + directions.count
            )
        }
    }
}
