internal import Federation

/// The aggregation methods against each other on one task.
public enum AggregationTable {
    /// Every row at one strength of the nodes' own shifts.
    ///
    /// A group is what a federation runs; the epidemic rows are the reference's setting.
    public static func trials(shift: Double) -> [AggregationTrial] {
        (epidemic + uniform + group).map { trial in
            var trial = trial
            trial.shift = shift
            return trial
        }
    }

    private typealias Settings = Manifest.AggregationSettings

    private static func trial(
        _ label: String, _ aggregator: String, _ form: WireForm = .ring32,
        _ change: (inout AggregationTrial) -> Void = { _ in }
    ) -> AggregationTrial {
        var settings = Settings(aggregator: aggregator, wireForm: form)
        // Version 1 knows no directions; this mu changes nothing here and makes it version 2.
        if settings == .factorMean { settings.proximalStrength = 1e-9 }
        var trial = AggregationTrial(label: label, settings: settings)
        change(&trial)
        return trial
    }

    private static var epidemic: [AggregationTrial] {
        [
            trial("local only", FactorMean.name) {
                $0.mixing = .none
                $0.keepsOwnRank = true
            },
            trial("factor mean, zero-padded (FedIT)", FactorMean.name) {
                $0.selection = .leading
                $0.keepsOwnRank = true
            },
            trial("factor mean per direction", FactorMean.name) { $0.keepsOwnRank = true },
            trial("norm weights (HetLoRA)", NormWeightedMean.name) { $0.keepsOwnRank = true },
            trial("frozen A (FFA)", FrozenInputMean.name),
            trial("A and B in turns (RoLoRA)", FactorMean.name) {
                $0.selection = .leading
                $0.keepsOwnRank = true
                $0.alternates = true
            },
            trial("product mean cut to own rank", SpectralMean.name) {
                $0.selection = .leading
                $0.keepsOwnRank = true
            },
            trial("spectral, first directions", SpectralMean.name) { $0.selection = .leading },
            trial("spectral", SpectralMean.name),
            trial("spectral, int8", SpectralMean.name, .int8),
            trial("spectral, int4", SpectralMean.name, .int4),
        ]
    }

    /// All nodes of one small rank.
    private static var uniform: [AggregationTrial] {
        let ranks = [Int](repeating: 2, count: 8)
        return [
            trial("all rank 2: factor mean", FactorMean.name) {
                $0.ranks = ranks
                $0.keepsOwnRank = true
            },
            trial("all rank 2: spectral", SpectralMean.name) { $0.ranks = ranks },
        ]
    }

    private static var group: [AggregationTrial] {
        func group(_ label: String, _ name: String, _ form: WireForm) -> AggregationTrial {
            trial("group: " + label, name, form) { $0.mixing = .group }
        }
        return [
            group("factor mean per direction", FactorMean.name, .ring32),
            group("norm weights (HetLoRA)", NormWeightedMean.name, .ring32),
            group("frozen A (FFA)", FrozenInputMean.name, .ring32),
            group("A and B in turns (RoLoRA)", AlternatingMean.name, .ring32),
            group("spectral", SpectralMean.name, .ring32),
            group("spectral from sketches", SketchedMean.name, .ring32),
            group("spectral, int8", SpectralMean.name, .int8),
            group("spectral, int4", SpectralMean.name, .int4),
        ]
    }

    /// One line of the printed table.
    public static func line(
        _ trial: AggregationTrial, _ outcome: AggregationTrial.Outcome
    ) -> String {
        let label = trial.label.padding(to: 36)
        return label
            + [outcome.mean, outcome.worst, outcome.floor].map { $0.fixed(4) }
            .joined(separator: "  ") + "  \(outcome.byteCount) B"
    }
}

extension String {
    /// The text with spaces behind it up to a width.
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

extension Double {
    /// Decimal digits without any library of the C world.
    func fixed(_ digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((self * Double(scale)).rounded())
        let fraction = String(abs(scaled) % scale)
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return (scaled < 0 ? "-" : "") + "\(abs(scaled) / scale)." + zeros + fraction
    }
}
