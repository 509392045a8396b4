internal import Adapters
internal import ArgumentParser
internal import Checkpoints
internal import Models
internal import Training

/// What the adapter is like.
struct AdapterOptions: ParsableArguments {
    @Option(
        help: """
            lora: low-rank terms in the projections; read: a recurrent network behind the last \
            layer, which takes less memory and time and learns less.
            """)
    var method: MethodOption = .lora

    @Option(help: "The rank of every pair of matrices; 8 unless told otherwise.")
    var rank: Int?

    @Option(help: "The strength of the adapter; twice the rank unless told otherwise.")
    var alpha: Double?

    @Option(help: "all, or a list such as q_proj,v_proj.")
    var targets: TargetList?

    @Option(help: "Adapt only the last N layers, which takes less memory and time.")
    var lastLayers: Int?

    @OptionGroup var read: ReadOptions

    @Option(help: "An adapter's folder to begin from; it decides what the adapter is like.")
    var startAdapter: String?

    func check() throws {
        if let rank, !(1...1_024).contains(rank) {
            throw ValidationError("--rank is \(rank); give 1 to 1024.")
        }
        if let alpha, !(alpha > 0 && alpha.isFinite) {
            throw ValidationError("--alpha is \(alpha); give a number above 0.")
        }
        if let lastLayers, lastLayers < 1 {
            throw ValidationError("--last-layers is \(lastLayers); give 1 or more.")
        }
        let isLoRA = alpha != nil || rank != nil || targets != nil || lastLayers != nil
        if startAdapter != nil, isLoRA || read.given != nil {
            throw ValidationError(
                "--start-adapter decides rank, alpha, targets, layers and what --method read has; "
                    + "leave out those options."
            )
        }
        if method == .read, isLoRA {
            throw ValidationError(
                "--rank, --alpha, --targets and --last-layers belong to --method lora; leave them "
                    + "out.")
        }
        try read.check(method: method)
    }

    /// The adapter that training begins with.
    func make(
        for loaded: LoadedModel,
        seed: UInt64,
        plan: MemoryPlan? = nil
    ) throws(CommandFailure) -> any TrainableAdapter {
        if let startAdapter { return try loaded.adapter(path: startAdapter) }
        let model = loaded.model.configuration
        if method == .read { return read.make(for: model, seed: seed) }
        // Alpha of twice the rank is what the field starts from.
        let rank = plan?.rank ?? rank ?? Self.standardRank
        var count = lastLayers ?? model.layerCount
        if case .lora(let planned) = plan?.method { count = planned }
        return LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: rank,
                alpha: alpha ?? Double(2 * rank),
                targets: targets?.projections ?? Projection.allCases,
                layers: LoRAConfiguration.lastLayers(count, of: model.layerCount)
            ),
            model: model,
            seed: seed
        )
    }

    /// The rank where none is given: small, and what the field starts from.
    static let standardRank = 8
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
