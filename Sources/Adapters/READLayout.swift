internal import Kernels
internal import Tensors

/// Where each tensor of a READ adapter lies in its buffer.
struct READLayout {
    /// The tensors, in the order of the buffer.
    enum Part: String, CaseIterable {
        case inputWeight = "read.rnn.weight_ih_l0"
        case stateWeight = "read.rnn.weight_hh_l0"
        case inputBias = "read.rnn.bias_ih_l0"
        case stateBias = "read.rnn.bias_hh_l0"
        case norm = "read.norm.weight"
        case outputWeight = "read.out.weight"
        case outputBias = "read.out.bias"
        case startWeight = "read.init.weight"
        case startBias = "read.init.bias"
    }

    /// One tensor's place; a vector is one row.
    struct Place {
        let part: Part
        let offset: Int
        let rowCount: Int
        let columnCount: Int

        var shape: Shape {
            Shape(part.isVector ? [columnCount] : [rowCount, columnCount])
        }

        func matrix(in buffer: FloatBuffer) -> Matrix {
            buffer.matrix(at: offset, rows: rowCount, columns: columnCount)
        }
    }

    let places: [Place]
    /// The values of the whole buffer.
    let count: Int

    init(configuration: READConfiguration, hiddenSize: Int) {
        let state = configuration.stateSize
        let gates = configuration.cell.gateCount * state
        var extents: [(Part, Int, Int)] = [
            (.inputWeight, gates, hiddenSize), (.stateWeight, gates, state),
            (.inputBias, 1, gates), (.stateBias, 1, gates), (.norm, 1, hiddenSize),
            (.outputWeight, hiddenSize, state), (.outputBias, 1, hiddenSize),
        ]
        if configuration.startsFromEmbedding {
            extents += [(.startWeight, state, hiddenSize), (.startBias, 1, state)]
        }
        var offset = 0
        places = extents.map { part, rows, columns in
            defer { offset += rows * columns }
            return Place(part: part, offset: offset, rowCount: rows, columnCount: columns)
        }
        count = offset
    }

    /// The place of a tensor that the adapter has.
    subscript(part: Part) -> Place {
        guard let place = places.first(where: { $0.part == part }) else {
            preconditionFailure("the adapter has no \(part.rawValue)")
        }
        return place
    }
}

extension READLayout.Part {
    var isVector: Bool {
        switch self {
        case .inputWeight, .stateWeight, .outputWeight, .startWeight: false
        case .inputBias, .stateBias, .norm, .outputBias, .startBias: true
        }
    }
}
