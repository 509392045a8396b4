extension Manifest {
    /// A rule that bounds what members that lie can do, in place of the mean.
    ///
    /// All members count alike under a rule, whatever examples they claim, and what a member does not
    /// train counts as left as it was.
    public struct RobustnessSettings: Hashable, Sendable {
        /// The rules by number.
        public enum Rule: UInt8, Hashable, Sendable, CaseIterable {
            /// The median of each coordinate.
            case median = 1
            /// The mean of each coordinate without the f lowest and the f highest values.
            case trimmedMean = 2
            /// The update with the least sum of squared distances to its n - f - 2 nearest.
            case krum = 3
            /// The mean of the n - f updates with the best scores of Krum.
            case multiKrum = 4
            /// The point with the least sum of distances.
            case geometricMedian = 5
            /// From the median of each coordinate three steps along differences cut to a radius.
            case centeredClipping = 6
            /// In gossip: towards what arrived, each as far as a radius lets it.
            case selfCenteredClipping = 7
        }

        /// What is made of the updates before the rule sees them.
        public enum Mixing: UInt8, Hashable, Sendable, CaseIterable {
            /// Nothing.
            case none = 0
            /// Means of two each, in an order that follows from the updates.
            case buckets = 1
            /// For each update the mean of its n - f nearest.
            case nearestNeighbors = 2
        }

        /// The rule.
        public var rule: Rule
        /// The liars f that the rule is to bear, 1...31, or the groups with too many liars; a round
        /// has more than twice as many participants or groups.
        ///
        /// 1: what three members can bear.
        public var liarCount: Int
        /// The radius of clipping, 0 to the norm bound; 0 follows the distances.
        public var clipRadius: Double
        /// What goes before the rule.
        public var mixing: Mixing
        /// The least members of a group of secure rounds, between whose means the rule decides, from
        /// the secure settings' minimum to 32; 0 for a rule over members.
        public var groupMemberCount: Int

        /// Takes the settings; ranges are checked by the manifest.
        public init(
            rule: Rule, liarCount: Int = 1, clipRadius: Double = 0, mixing: Mixing = .none,
            groupMemberCount: Int = 0
        ) {
            self.rule = rule
            self.liarCount = liarCount
            self.clipRadius = clipRadius
            self.mixing = mixing
            self.groupMemberCount = groupMemberCount
        }

        /// The least number of participants, or of groups, with which the rule bears its liars.
        public var participantMinimum: Int {
            let inputs =
                switch rule {
                case .krum, .multiKrum: 2 * liarCount + 3
                default: 2 * liarCount + 1
                }
            // A bucket with a liar in it is a liar.
            return mixing == .buckets ? 2 * inputs - 1 : inputs
        }
    }

    /// The size of buckets.
    ///
    /// 2: what the source has; larger ones bear fewer liars.
    static let bucketSize = 2
    /// The steps of centered clipping, the most that the specification has.
    static let clippingStepCount = 3
    /// Weiszfeld's steps.
    ///
    /// 32: the start is a median already, and on the vectors of the attack table the last step moves
    /// the point by less than 1e-6 of the spread.
    static let weiszfeldStepCount = 32
    /// The smoothing of Weiszfeld's steps over the norm bound.
    ///
    /// 2^-20, about the step of the ring: an absolute 0.1 as in the source would be above the length
    /// of most updates and turn the median into the mean.
    static let weiszfeldSmoothing = 0x1p-20

    /// The aggregators whose mean a rule can take the place of: those that compare element by
    /// element.
    static let linearAggregators: Set<String> = Set(
        AggregatorRegistry.all.filter { $0.value is any LinearAggregator.Type }.keys)

    func checkRobustness() throws(ManifestError) {
        guard let settings = aggregation.robustness else { return }
        try check(settings.liarCount, in: 1...31, .liarCount)
        guard settings.clipRadius >= 0, settings.clipRadius <= normBound else {
            throw .outOfRange(
                field: .clipRadius, actual: "\(settings.clipRadius)",
                allowed: "0 to the norm bound, \(normBound)")
        }
        try checkGroups(settings)
        let linear = Self.linearAggregators
        guard linear.contains(aggregation.aggregator) else {
            throw .ruleNeeds(
                "one of the aggregators \(linear.sorted().joined(separator: ", ")), which compare "
                    + "element by element, not \(aggregation.aggregator)")
        }
        guard read == nil else {
            throw .ruleNeeds("all members to train the same tensors, not READ beside LoRA")
        }
        guard !aggregation.normalizesSteps else {
            throw .ruleNeeds("no FedNova, which multiplies by numbers that members claim")
        }
        let isSelfCentered = settings.rule == .selfCenteredClipping
        guard exchange.kind.isGossip == isSelfCentered else {
            throw .ruleNeeds(
                isSelfCentered
                    ? "gossip, where every node has a state of its own to go from"
                    : "all members in one group; in gossip the rule is self-centered clipping")
        }
        guard !isSelfCentered else {
            guard settings.mixing == .none else {
                throw .ruleNeeds("no mixing with self-centered clipping")
            }
            return
        }
        guard secure == nil else { return }
        let least = settings.participantMinimum
        guard membership.quorumMinimum >= least else {
            throw .outOfRange(
                field: .quorumMinimum, actual: "\(membership.quorumMinimum)",
                allowed: "\(least) and more, for the rule to bear \(settings.liarCount) liars")
        }
    }
}

extension Manifest {
    /// Checks that a rule over members has members to see, and one across groups enough of them.
    private func checkGroups(_ settings: RobustnessSettings) throws(ManifestError) {
        guard let secure else {
            guard settings.groupMemberCount == 0 else {
                throw .ruleNeeds("secure rounds for groups; in plain ones it is one over members")
            }
            return
        }
        guard settings.groupMemberCount > 0 else {
            throw .ruleNeeds(
                "updates that members can see; of secure rounds only sums are open, and a rule can "
                    + "only be one across groups")
        }
        try check(settings.groupMemberCount, in: secure.memberMinimum...32, .groupMemberCount)
        try check(
            membership.startMemberCount, in: secureMemberMinimum...Self.memberCountMax,
            .startMemberCount)
    }
}

extension Manifest.RobustnessSettings {
    /// The rule for a round of so many participants.
    ///
    /// `seed` decides the buckets.
    func aggregation(
        participantCount: Int, normBound: Double, seed: UInt64
    ) -> RobustAggregation {
        let rule: RobustRule =
            switch self.rule {
            case .median: .median
            case .trimmedMean: .trimmedMean(cutCount: liarCount)
            case .krum: .krum(liarCount: liarCount)
            case .multiKrum:
                .multiKrum(
                    liarCount: liarCount,
                    chosenCount: max(1, inputCount(of: participantCount) - liarCount))
            case .geometricMedian:
                .geometricMedian(
                    stepCount: Manifest.weiszfeldStepCount,
                    smoothing: normBound * Manifest.weiszfeldSmoothing)
            case .centeredClipping, .selfCenteredClipping:
                .centeredClipping(
                    radius: clipRadius > 0
                        ? .fixed(clipRadius) : .ofDistances(atMost: normBound),
                    stepCount: Manifest.clippingStepCount)
            }
        let mixing: InputMixing =
            switch self.mixing {
            case .none: .none
            case .buckets: .buckets(size: Manifest.bucketSize, seed: seed)
            case .nearestNeighbors: .nearestNeighbors(liarCount: liarCount)
            }
        return RobustAggregation(rule, mixing: mixing, start: .median)
    }

    private func inputCount(of participantCount: Int) -> Int {
        let size = Manifest.bucketSize
        return mixing == .buckets ? (participantCount + size - 1) / size : participantCount
    }

    /// Writes whether there are settings, and them.
    static func write(_ settings: Self?, to writer: inout CanonicalWriter) {
        writer.write(UInt8(settings == nil ? 0 : 1))
        guard let settings else { return }
        writer.write(settings.rule.rawValue)
        writer.write(count: settings.liarCount)
        writer.write(settings.clipRadius)
        writer.write(settings.mixing.rawValue)
        writer.write(count: settings.groupMemberCount)
    }

    static func read(_ reader: inout CanonicalReader) throws(CanonicalError) -> Self? {
        guard try reader.readBool() else { return nil }
        let start = reader.offset
        guard let rule = Rule(rawValue: try reader.read(UInt8.self)) else {
            throw .malformed(offset: start)
        }
        let liarCount = Int(try reader.read(UInt32.self))
        let clipRadius = try reader.readDouble()
        let end = reader.offset
        guard let mixing = Mixing(rawValue: try reader.read(UInt8.self)) else {
            throw .malformed(offset: end)
        }
        return Self(
            rule: rule, liarCount: liarCount, clipRadius: clipRadius, mixing: mixing,
            groupMemberCount: Int(try reader.read(UInt32.self)))
    }
}
