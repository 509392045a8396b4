internal import ArgumentParser
internal import Federation

/// What a federation does about members that lie.
struct RobustnessOptions: ParsableArguments {
    /// The rules, as the command line has them.
    enum Rule: String, CaseIterable, ExpressibleByArgument {
        case mean, median
        case trimmedMean = "trimmed-mean"
        case krum
        case multiKrum = "multi-krum"
        case geometricMedian = "geometric-median"
        case centeredClipping = "centered-clipping"
        case selfCenteredClipping = "self-centered-clipping"

        /// What the manifest says; `nil` for the mean.
        var rule: Manifest.RobustnessSettings.Rule? {
            switch self {
            case .mean: nil
            case .median: .median
            case .trimmedMean: .trimmedMean
            case .krum: .krum
            case .multiKrum: .multiKrum
            case .geometricMedian: .geometricMedian
            case .centeredClipping: .centeredClipping
            case .selfCenteredClipping: .selfCenteredClipping
            }
        }

        /// The name of a rule.
        init(_ rule: Manifest.RobustnessSettings.Rule) {
            self = Self.allCases.first { $0.rule == rule } ?? .mean
        }
    }

    /// What goes before the rule, as the command line has it.
    enum Mixing: String, CaseIterable, ExpressibleByArgument {
        case none, buckets, neighbors

        var mixing: Manifest.RobustnessSettings.Mixing {
            switch self {
            case .none: .none
            case .buckets: .buckets
            case .neighbors: .nearestNeighbors
            }
        }
    }

    @Option(
        help: """
            A rule against members that lie, in place of the mean: median, trimmed-mean, krum, \
            multi-krum, geometric-median or centered-clipping; in gossip self-centered-clipping. Goes \
            with the aggregations factor-mean (then the default), ffa and rolora. mean, but \
            centered-clipping with --secure-groups, unless set.
            """)
    var rule: Rule?

    @Option(
        help: """
            The lying members that the rule is to bear, 1 to 31, or with --secure-groups the groups \
            with too many of them. 1 unless set.
            """)
    var liars: Int?

    @Option(
        help: """
            How far clipping lets one update pull, up to the norm bound; 0 follows the distances \
            between the updates, and is the default.
            """)
    var clipRadius: Double?

    @Option(
        help: """
            What goes before the rule: none, buckets (means of two) or neighbors (the mean of each \
            update's nearest ones). none unless set.
            """)
    var mixing: Mixing?

    @Option(
        help: """
            With --secure: cut the members into groups of at least so many, drawn anew each round. \
            Updates are hidden inside a group, and the rule decides between the groups' means, which \
            everybody sees.
            """)
    var secureGroups: Int?

    func validate() throws {
        guard rule != nil && rule != .mean || secureGroups != nil else {
            guard liars == nil, clipRadius == nil, mixing == nil else {
                throw ValidationError("--liars, --clip-radius and --mixing go with a --rule.")
            }
            return
        }
        if secureGroups != nil, rule == .mean {
            throw ValidationError("--secure-groups needs another --rule than the mean.")
        }
    }

    /// The manifest's settings for so many first members; `nil` for the mean.
    func settings(
        memberCount: Int, secure: Manifest.SecureSettings?
    ) throws -> Manifest.RobustnessSettings? {
        guard let chosen = rule?.rule ?? (secureGroups == nil ? nil : .centeredClipping) else {
            return nil
        }
        guard secureGroups == nil || secure != nil else {
            throw ValidationError("--secure-groups goes with --secure.")
        }
        let settings = Manifest.RobustnessSettings(
            rule: chosen, liarCount: liars ?? 1, clipRadius: clipRadius ?? 0,
            mixing: mixing?.mixing ?? .none, groupMemberCount: secureGroups ?? 0)
        guard chosen != .selfCenteredClipping else { return settings }
        let least = settings.participantMinimum * max(1, secureGroups ?? 1)
        guard memberCount >= least else {
            throw ValidationError(
                "--rule \(Rule(chosen).rawValue) with --liars \(settings.liarCount)"
                    + (secureGroups.map { " and groups of \($0)" } ?? "")
                    + " needs at least \(least) --members.")
        }
        return settings
    }
}

extension RobustnessOptions {
    /// A manifest's rule in a few words.
    static func text(of settings: Manifest.RobustnessSettings?) -> String {
        guard let settings else { return Rule.mean.rawValue }
        var text = "\(Rule(settings.rule).rawValue) for \(settings.liarCount)"
        if settings.groupMemberCount > 0 {
            text += " across groups of \(settings.groupMemberCount) or more"
        }
        return text
    }
}
