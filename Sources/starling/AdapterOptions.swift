internal import Adapters
internal import ArgumentParser
internal import Models

/// What the adapter is like.
struct AdapterOptions: ParsableArguments {
    @Option(help: "The rank of every pair of matrices; 8 unless told otherwise.")
    var rank: Int?

    @Option(help: "The strength of the adapter; twice the rank unless told otherwise.")
    var alpha: Double?

    @Option(help: "all, or a list such as q_proj,v_proj.")
    var targets: TargetList?

    @Option(help: "A PEFT folder to begin from; it decides rank, strength and targets.")
    var startAdapter: String?

    func check() throws {
        if let rank, !(1...1_024).contains(rank) {
            throw ValidationError("--rank is \(rank); give 1 to 1024.")
        }
        if let alpha, !(alpha > 0 && alpha.isFinite) {
            throw ValidationError("--alpha is \(alpha); give a number above 0.")
        }
        if startAdapter != nil, alpha != nil || rank != nil || targets != nil {
            throw ValidationError(
                "--start-adapter decides rank, alpha and targets; leave out those options."
            )
        }
    }

    /// The adapter that training begins with.
    func make(for loaded: LoadedModel, seed: UInt64) throws(CommandFailure) -> LoRAAdapter {
        if let startAdapter { return try loaded.adapter(path: startAdapter) }
        // Alpha of twice the rank is what the field starts from.
        let rank = rank ?? 8
        return LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: rank,
                alpha: alpha ?? Double(2 * rank),
                targets: targets?.projections ?? Projection.allCases
            ),
            model: loaded.model.configuration,
            seed: seed
        )
    }
}

/// `all`, or names of projections with commas between them.
struct TargetList: ExpressibleByArgument {
    let projections: [Projection]

    init?(argument: String) {
        if argument == "all" {
            projections = Projection.allCases
            return
        }
        var projections: [Projection] = []
        for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let projection = Projection(rawValue: String(name)) else { return nil }
            projections.append(projection)
        }
        self.projections = projections
    }

    static var allValueStrings: [String] { ["all"] + Projection.allCases.map(\.rawValue) }
}
