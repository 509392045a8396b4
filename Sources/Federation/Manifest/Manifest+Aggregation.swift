extension Manifest {
    /// How the updates of a round become the next adapter, and how local training is held to it.
    ///
    /// The rank that travels is the adapter's ``AdapterSettings/rank``, whatever a member trains.
    public struct AggregationSettings: Hashable, Sendable {
        /// The aggregator's name in ``AggregatorRegistry``, 1...64 bytes.
        public var aggregator: String
        /// How update elements travel.
        ///
        /// Int8: on the simulation's task it costs nothing that three seeds could show.
        public var wireForm: WireForm
        /// The factor on the mean update, above 0 and at most 2.
        ///
        /// 1, the plain mean; DiLoCo has 0.7 with a momentum of 0.9.
        public var outerLearningRate: Double
        /// The Nesterov momentum of the mean updates, 0 and more, below 1; 0 keeps none.
        public var outerMomentum: Double
        /// FedProx's mu, 0...100: the pull of local training to the round's start; 0 for none.
        public var proximalStrength: Double
        /// FedNova: whether each update counts per local step.
        public var normalizesSteps: Bool
        /// SCAFFOLD without a server: whether members correct their gradients by how their last
        /// update differed from the mean.
        public var usesControlVariates: Bool
        /// The rule against members that lie; `nil` for the mean within the norm bound.
        public var robustness: RobustnessSettings?

        /// Takes the settings; ranges are checked by the manifest.
        public init(
            aggregator: String, wireForm: WireForm = .int8, outerLearningRate: Double = 1,
            outerMomentum: Double = 0, proximalStrength: Double = 0,
            normalizesSteps: Bool = false, usesControlVariates: Bool = false,
            robustness: RobustnessSettings? = nil
        ) {
            self.aggregator = aggregator
            self.wireForm = wireForm
            self.outerLearningRate = outerLearningRate
            self.outerMomentum = outerMomentum
            self.proximalStrength = proximalStrength
            self.normalizesSteps = normalizesSteps
            self.usesControlVariates = usesControlVariates
            self.robustness = robustness
        }

        /// What a manifest of version 1 means: the factor mean of whole adapters in ring integers.
        public static let factorMean = AggregationSettings(
            aggregator: FactorMean.name, wireForm: .ring32)
        /// The default where devices train different ranks: the product-space mean, in int8.
        public static let spectral = AggregationSettings(aggregator: SpectralMean.name)
    }
}

extension Manifest.AggregationSettings {
    /// Writes all but the rule against liars, which later versions have behind everything else.
    func write(to writer: inout CanonicalWriter) {
        writer.write(aggregator)
        writer.write(wireForm.rawValue)
        writer.write(outerLearningRate)
        writer.write(outerMomentum)
        writer.write(proximalStrength)
        writer.write(UInt8(normalizesSteps ? 1 : 0))
        writer.write(UInt8(usesControlVariates ? 1 : 0))
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        let aggregator = try reader.readText(max: 64)
        let start = reader.offset
        guard let wireForm = WireForm(rawValue: try reader.read(UInt8.self)) else {
            throw .malformed(offset: start)
        }
        self.init(
            aggregator: aggregator, wireForm: wireForm,
            outerLearningRate: try reader.readDouble(),
            outerMomentum: try reader.readDouble(),
            proximalStrength: try reader.readDouble(),
            normalizesSteps: try reader.readBool(),
            usesControlVariates: try reader.readBool())
    }
}
