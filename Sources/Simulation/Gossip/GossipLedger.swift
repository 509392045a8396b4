internal import Federation
internal import Tensors

/// What the nodes of a gossiping federation came to, round by round.
struct GossipLedger {
    private struct Entry {
        var states: [Int: NamedTensors] = [:]
        var firstMilliseconds: UInt64 = 0
        var lastMilliseconds: UInt64 = 0
        var mixCount = 0
        var inputCount = 0
        var estimateCount = 0
        var estimateSquares = 0.0
    }

    private let layout: AdapterLayout
    private var entries: [UInt64: Entry] = [:]
    private var last: [Int: NamedTensors] = [:]

    init(layout: AdapterLayout) {
        self.layout = layout
    }

    mutating func adopted(_ bytes: [UInt8], node: Int, round: UInt64, milliseconds: UInt64) {
        guard let state = try? AdapterStateCodec.decode(bytes, layout: layout) else { return }
        last[node] = state
        guard round > 0 else { return }
        var entry = entries[round] ?? Entry(firstMilliseconds: milliseconds)
        entry.states[node] = state
        entry.lastMilliseconds = milliseconds
        entries[round] = entry
    }

    mutating func mixed(round: UInt64, inputCount: Int, distance: ConsensusDistance?) {
        entries[round]?.mixCount += 1
        entries[round]?.inputCount += inputCount
        guard let distance, distance.sampleCount > 1 else { return }
        entries[round]?.estimateCount += 1
        entries[round]?.estimateSquares += distance.value * distance.value
    }

    var rounds: [GossipReport.Round] {
        entries.sorted { $0.key < $1.key }.map { number, entry in
            let states = entry.states.sorted { $0.key < $1.key }.map(\.value)
            let exact = Self.distance(of: states, layout)
            var round = GossipReport.Round(number: number)
            round.nodeCount = states.count
            round.firstSeconds = Double(entry.firstMilliseconds) / 1000
            round.lastSeconds = Double(entry.lastMilliseconds) / 1000
            round.inputCount = Double(entry.inputCount) / Double(max(entry.mixCount, 1))
            round.estimate =
                (entry.estimateSquares / Double(max(entry.estimateCount, 1))).squareRoot()
            round.distance = exact.distance
            round.meanNorm = exact.meanNorm
            return round
        }
    }

    /// The distance over the last states of all nodes, and the norm of their mean.
    var final: (distance: Double, meanNorm: Double) {
        Self.distance(of: last.sorted { $0.key < $1.key }.map(\.value), layout)
    }

    /// Multiplied out, for these adapters are small: a second way to the number that nodes get from
    /// Gram matrices.
    static func distance(
        of states: [NamedTensors], _ layout: AdapterLayout
    ) -> (distance: Double, meanNorm: Double) {
        let products = states.map { product($0) }
        guard let first = products.first else { return (0, 0) }
        var mean = [Double](repeating: 0, count: first.count)
        for product in products {
            for index in mean.indices { mean[index] += product[index] / Double(products.count) }
        }
        var squares = 0.0
        for product in products {
            for index in mean.indices {
                let difference = product[index] - mean[index]
                squares += difference * difference
            }
        }
        let norm = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return ((squares / Double(products.count)).squareRoot(), norm)
    }

    /// B A of the stub's only pair.
    private static func product(_ state: NamedTensors) -> [Double] {
        let (a, b) = (state.elements[0].tensor, state.elements[1].tensor)
        let (rank, inputs) = (a.shape.extents[0], a.shape.extents[1])
        let outputs = b.shape.extents[0]
        var product = [Double](repeating: 0, count: outputs * inputs)
        for output in 0..<outputs {
            for input in 0..<inputs {
                for direction in 0..<rank {
                    product[output * inputs + input] +=
                        Double(b.values[output * rank + direction])
                        * Double(a.values[direction * inputs + input])
                }
            }
        }
        return product
    }
}
