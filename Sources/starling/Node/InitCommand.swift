internal import Adapters
internal import ArgumentParser
internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Models
internal import NodeServices

/// Makes this node the author of a new federation.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make an identity, a store and the signed manifest of a new federation.",
        discussion: """
            Only the author needs it: every other node joins with 'run --join' and follows the \
            manifest. What is set here is the same on all members.
            """
    )

    @Option(help: "A GGUF file or a Hugging Face folder: the base model of all members.")
    var model: String

    @Option(help: "The federation's name.")
    var name = "federation"

    @Option(help: "Rounds until the run is over.")
    var rounds = 10

    @Option(help: "Optimizer steps of a member in a round.")
    var localSteps = 20

    @Option(help: "Rows of a step.")
    var batch = 4

    @Option(help: "Tokens of a row.")
    var length = 128

    @Option(help: "The rank of the LoRA adapter; members may train fewer of its directions.")
    var rank = 8

    @Option(help: "LoRA's alpha; twice the rank unless set.")
    var alpha: Double?

    @Option(help: "Projections that are adapted: all, or a list such as q_proj,v_proj.")
    var targets: TargetList?

    @Option(help: "The peak learning rate.")
    var learningRate = 1e-3

    @Option(help: "Steps of warm-up over the whole run.")
    var warmup = 0

    @Option(help: "Members that must be in before the first round.")
    var members = 2

    @Option(help: "The least number of participants of a round; a majority is needed anyway.")
    var quorum = 1

    @Option(help: "Rounds of silence after which a member leaves.")
    var absentRounds = 3

    @Option(help: "The greatest norm of an update; derived from rate and steps unless set.")
    var normBound: Double?

    @Option(help: "The seed of the first adapter.")
    var seed: UInt64 = 1

    @Option(
        help: """
            When the federation was made, in seconds since 1970; now unless set. The same identity, \
            model and settings then make the same federation again.
            """)
    var createdAt: UInt64?

    @OptionGroup var aggregation: AggregationOptions
    @OptionGroup var exchange: ExchangeOptions
    @OptionGroup var secure: SecureOptions
    @OptionGroup var admission: AdmissionOptions
    @OptionGroup var robustness: RobustnessOptions
    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let options = try self.options
        try await withSharedConsole(output) { console in
            let report = try await NodeSetup.createFederation(
                home: home.folder, modelPath: model, options: options
            ) { report in
                if case .preparingModel(_, let done, let total) = report {
                    console.progress("storing the model, MB", done: done >> 20, of: total >> 20)
                }
            }
            console.clearProgress()
            var record = JSONRecord()
            record.add("peer_id", report.peerID.description)
            record.add("manifest_digest", report.manifest.digest.hexadecimal)
            record.add("base_model_digest", report.manifest.manifest.baseModelDigest.hexadecimal)
            record.add("parameters", report.parameterCount)
            let settings = report.manifest.manifest.aggregation
            let wire = WireOption(settings.wireForm).rawValue
            record.add("aggregation", settings.aggregator)
            record.add("wire", wire)
            if let secure = report.manifest.manifest.secure {
                record.add("secure_minimum", secure.memberMinimum)
            }
            let rule = RobustnessOptions.text(of: settings.robustness)
            record.add("rule", rule)
            record.add("exchange", "\(options.exchange.kind)")
            record.add("admission", admission.admission.rawValue)
            record.add("update_bytes_max", report.manifest.manifest.updateByteCountMax)
            console.report(
                record,
                text: """
                    federation  \(name), \(report.manifest.digest)
                    this node   \(report.peerID)
                    adapter     rank \(rank), \(report.parameterCount) parameters
                    aggregation \(settings.aggregator), \(wire)
                    rule        \(rule)
                    exchange    \(Self.text(of: options.exchange))
                    next        starling run --home \(home.folder.folder.path) --data FILE
                    """
            )
        }
    }

    private static func text(of exchange: Manifest.ExchangeSettings) -> String {
        switch exchange.kind {
        case .group: "group, one certified adapter"
        case .gossip: "gossip, to \(exchange.fanOut) members a round"
        case .groups: "groups of \(exchange.groupMemberCountMax) at most, redrawn each round"
        }
    }

    private var options: FederationOptions {
        get throws {
            var options = FederationOptions()
            options.name = name
            options.roundCount = rounds
            options.localStepCount = localSteps
            options.batchSize = batch
            options.sequenceLength = length
            options.rank = rank
            options.alpha = alpha
            options.targets = targets?.projections ?? Projection.allCases
            options.learningRate = learningRate
            options.warmupStepCount = warmup
            options.startMemberCount = members
            options.secure = try secure.settings(memberCount: members)
            options.issuers = try admission.settings
            let rule = try robustness.settings(
                memberCount: members, secure: options.secure)
            // A rule over members bears its liars from so many participants on.
            let isOverMembers = rule.map { $0.groupMemberCount == 0 } ?? false
            let isGossip = exchange.exchange.map { $0 != .group } ?? false
            options.quorumMinimum = max(
                quorum, isOverMembers && !isGossip ? rule?.participantMinimum ?? 0 : 0)
            options.absentRoundCountMax = absentRounds
            options.normBound = normBound
            options.seed = seed
            options.aggregation = aggregation.settings(
                isSecure: options.secure != nil, hasRule: rule != nil)
            options.aggregation.robustness = rule
            options.createdAtSeconds = createdAt
            options.read = aggregation.read
            // Groups of gossip are for those who certify nothing.
            let isCertified = options.secure != nil || isOverMembers
            options.exchange = try exchange.settings(
                memberCount: members, isCertified: isCertified)
            return options
        }
    }
}
