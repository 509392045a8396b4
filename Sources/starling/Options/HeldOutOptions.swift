internal import ArgumentParser
internal import Training

/// What is kept apart, and when it is looked at.
struct HeldOutOptions: ParsableArguments {
    @Option(help: "The share of the data that is not trained on, but evaluated before and after.")
    var heldOut = 0.0

    @Option(help: "Also evaluate after every Nth step.")
    var evaluateEvery: Int?

    @Option(help: "Stop after so many evaluations that brought nothing better.")
    var patience: Int?

    func check() throws {
        guard heldOut >= 0, heldOut < 1 else {
            throw ValidationError("--held-out is \(heldOut); give a share from 0 to below 1.")
        }
        if let evaluateEvery, evaluateEvery < 1 {
            throw ValidationError("--evaluate-every is \(evaluateEvery); give 1 or more.")
        }
        if let patience, patience < 1 {
            throw ValidationError("--patience is \(patience); give 1 or more.")
        }
        if patience != nil, evaluateEvery == nil || heldOut == 0 {
            throw ValidationError("--patience needs --held-out and --evaluate-every.")
        }
    }

    /// What makes runs differ that are equal otherwise.
    var identity: [RunIdentity.Field] {
        [
            RunIdentity.Field(
                name: "evaluated every", value: evaluateEvery.map { "\($0)" } ?? "never"),
            RunIdentity.Field(name: "patience", value: patience.map { "\($0)" } ?? "none"),
        ]
    }
}
