internal import ArgumentParser
internal import Federation
internal import Foundation

/// How a federation's updates become its next adapter.
struct AggregationOptions: ParsableArguments {
    @Option(
        help: """
            How updates become the next adapter: spectral (the mean of the products, for members of \
            any rank), factor-mean, ffa (A stays frozen), rolora (A and B in turns), hetlora \
            (weighted by norms) or spectral-sketch (spectral from sums of sketches, which \
            spectral means with --secure). spectral, but factor-mean with --secure or a --rule, \
            unless set.
            """)
    var aggregation: String?

    @Option(
        help: """
            How the numbers of an update travel: int8, int4 or ring32. int8, but ring32 with --secure \
            or a --rule, unless set.
            """)
    var wire: WireOption?

    @Option(help: "The factor on the mean update; above 0, at most 2.")
    var outerLearningRate = 1.0

    @Option(help: "The Nesterov momentum of the mean updates, from 0 up to 1; 0 keeps none.")
    var outerMomentum = 0.0

    @Option(help: "FedProx: how strongly training is pulled to the round's start; 0 to 100.")
    var proximal = 0.0

    @Flag(help: "FedNova: count each update per step, for members that do unequal numbers.")
    var normalizeSteps = false

    @Flag(help: "SCAFFOLD: correct each member's steps by how it differed from the mean.")
    var controlVariates = false

    @Option(
        help: """
            Have a READ adapter beside LoRA's, for members that run with --method read: its cell \
            and the values of its state, as in gru,256.
            """)
    var withRead: READShape?

    @Option(help: "The peak learning rate of members that train READ.")
    var readLearningRate: Double?

    func validate() throws {
        if let aggregation, AggregatorRegistry.all[aggregation] == nil {
            throw ValidationError(
                "--aggregation is '\(aggregation)'; give one of "
                    + "\(AggregatorRegistry.names.joined(separator: ", "))."
            )
        }
        if readLearningRate != nil, withRead == nil {
            throw ValidationError("--read-learning-rate goes with --with-read.")
        }
    }

    /// The manifest's settings.
    ///
    /// Sums and rules are for what compares element by element.
    func settings(isSecure: Bool = false, hasRule: Bool = false) -> Manifest.AggregationSettings {
        let standard: Manifest.AggregationSettings = isSecure || hasRule ? .factorMean : .spectral
        var aggregator = aggregation ?? standard.aggregator
        // Secure rounds show sums alone; the sketched rule makes the products' mean of those.
        if isSecure, aggregator == SpectralMean.name { aggregator = SketchedMean.name }
        return Manifest.AggregationSettings(
            aggregator: aggregator,
            wireForm: wire?.form ?? standard.wireForm, outerLearningRate: outerLearningRate,
            outerMomentum: outerMomentum, proximalStrength: proximal,
            normalizesSteps: normalizeSteps, usesControlVariates: controlVariates)
    }

    /// The manifest's READ settings.
    var read: Manifest.READSettings? {
        withRead.map { shape in
            var settings = shape.settings
            if let readLearningRate { settings.learningRate = readLearningRate }
            return settings
        }
    }
}

/// The form of an update's numbers, as the command line has it.
enum WireOption: String, CaseIterable, ExpressibleByArgument {
    case int8, int4, ring32

    /// What the manifest says.
    var form: WireForm {
        switch self {
        case .int8: .int8
        case .int4: .int4
        case .ring32: .ring32
        }
    }

    /// The name of a form.
    init(_ form: WireForm) {
        self =
            switch form {
            case .int8: .int8
            case .int4: .int4
            case .ring32: .ring32
            }
    }
}

/// The cell and the state size of a READ adapter, as in `gru,256`; either may be left out.
struct READShape: ExpressibleByArgument {
    var settings = Manifest.READSettings()

    init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            if let size = Int(part), (1...16_384).contains(size) {
                settings.stateSize = size
            } else if let cell = Manifest.READSettings.Cell.allCases.first(where: {
                "\($0)" == part
            }) {
                settings.cell = cell
            } else {
                return nil
            }
        }
    }
}
