extension Manifest {
    /// The READ adapter that some members train in place of LoRA.
    ///
    /// Its tensors lie beside the LoRA adapter's in the consensus state. A member trains one of the
    /// two and sends that one alone; both are averaged over those who hold them.
    public struct READSettings: Hashable, Sendable {
        /// The kind of step of the recurrent network.
        public enum Cell: UInt8, Hashable, Sendable, CaseIterable {
            /// One gate, a hyperbolic tangent.
            case rnn = 0
            /// Gated recurrent unit.
            case gru = 1
            /// Long short-term memory.
            case lstm = 2
        }

        /// What is made of the states of all layers.
        public enum Aggregation: UInt8, Hashable, Sendable, CaseIterable {
            /// Their mean.
            case mean = 0
            /// The last one.
            case last = 1
        }

        /// The kind of step.
        public var cell: Cell
        /// What is made of the states.
        public var aggregation: Aggregation
        /// The values of the network's state, 1...16,384.
        public var stateSize: Int
        /// The peak learning rate of members that train it, above 0 and at most 1.
        ///
        /// 5e-3: LoRA's own is too small for it in every trial so far.
        public var learningRate: Double

        /// What the names of its tensors begin with, and no others.
        public static let namePrefix = "read."

        /// Takes the settings; ranges are checked by the manifest.
        public init(
            cell: Cell = .gru, aggregation: Aggregation = .last, stateSize: Int = 256,
            learningRate: Double = 5e-3
        ) {
            self.cell = cell
            self.aggregation = aggregation
            self.stateSize = stateSize
            self.learningRate = learningRate
        }
    }

    /// The version that a manifest of one group with these settings has: the first where it knew them.
    static func version(_ aggregation: AggregationSettings, _ read: READSettings?) -> UInt16 {
        aggregation == .factorMean && read == nil ? firstVersion : aggregationVersion
    }

    /// The peak learning rate at which members train a tensor.
    public func learningRate(of name: String) -> Double {
        guard let read, name.hasPrefix(READSettings.namePrefix) else {
            return training.learningRate
        }
        return read.learningRate
    }
}

extension Manifest.READSettings {
    /// Writes whether there are settings, and them.
    static func write(_ settings: Manifest.READSettings?, to writer: inout CanonicalWriter) {
        writer.write(UInt8(settings == nil ? 0 : 1))
        guard let settings else { return }
        writer.write(settings.cell.rawValue)
        writer.write(settings.aggregation.rawValue)
        writer.write(count: settings.stateSize)
        writer.write(settings.learningRate)
    }

    static func read(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> Manifest.READSettings? {
        guard try reader.readBool() else { return nil }
        let start = reader.offset
        guard let cell = Cell(rawValue: try reader.read(UInt8.self)),
            let aggregation = Aggregation(rawValue: try reader.read(UInt8.self))
        else { throw .malformed(offset: start) }
        return Manifest.READSettings(
            cell: cell, aggregation: aggregation,
            stateSize: Int(try reader.read(UInt32.self)),
            learningRate: try reader.readDouble())
    }
}
