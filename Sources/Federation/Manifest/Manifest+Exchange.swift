extension Manifest {
    /// How members come together in a round.
    public struct ExchangeSettings: Hashable, Sendable {
        /// The ways.
        public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
            /// All members sum their updates and certify one next adapter.
            case group = 0
            /// Each node keeps an adapter of its own, pushes it to a few random members and
            /// averages what arrived; nothing is certified.
            case gossip = 1
            /// Like gossip, but a node pushes to all of its group, and the groups, which have at
            /// most ``groupMemberCountMax`` members, are drawn anew each round.
            case groups = 2

            /// Whether each node has an adapter of its own.
            public var isGossip: Bool { self != .group }
        }

        /// The way.
        public var kind: Kind
        /// The most states that one mean is made of, the node's own among them, 2...16.
        ///
        /// 16: what a node fetches in a round stays bounded, however many push to it.
        public var groupMemberCountMax: Int
        /// The members to which a node pushes its state each round, 1 and more, below the group
        /// size; with ``Kind/groups`` the group's size takes its place.
        ///
        /// 2: with it the simulated consensus distance shrinks by a third in each mixing round,
        /// and a node fetches two states a round in the mean.
        public var fanOut: Int
        /// After so many rounds a state counts half, 1...1000.
        ///
        /// 4: what a slow link brings a round late still counts five sixths, what a node brings
        /// back from a day's absence nothing.
        public var stalenessHalfLife: Int
        /// Rounds of mixing without training at the end of a run, 0...64.
        ///
        /// 8: they take the consensus distance to about a twentieth.
        public var settlingRoundCount: Int

        /// Takes the settings; ranges are checked by the manifest.
        public init(
            kind: Kind, groupMemberCountMax: Int = 16, fanOut: Int = 2,
            stalenessHalfLife: Int = 4, settlingRoundCount: Int = 8
        ) {
            self.kind = kind
            self.groupMemberCountMax = groupMemberCountMax
            self.fanOut = fanOut
            self.stalenessHalfLife = stalenessHalfLife
            self.settlingRoundCount = settlingRoundCount
        }

        /// What manifests of the first two versions mean.
        public static let group = ExchangeSettings(kind: .group)
        /// Gossip with the defaults.
        public static let gossip = ExchangeSettings(kind: .gossip)
        /// Groups redrawn each round, with the defaults.
        ///
        /// 2 rounds settle: a mean over sixteen takes the distance to a quarter.
        public static let groups = ExchangeSettings(kind: .groups, settlingRoundCount: 2)
    }

    /// The aggregators whose mean needs no common round clock and no updates of a common base.
    static let gossipAggregators: Set<String> = [
        FactorMean.name, FrozenInputMean.name, SpectralMean.name,
    ]

    func checkExchange() throws(ManifestError) {
        try check(exchange.groupMemberCountMax, in: 2...16, .groupMemberCountMax)
        try check(exchange.fanOut, in: 1...exchange.groupMemberCountMax - 1, .fanOut)
        try check(exchange.stalenessHalfLife, in: 1...1000, .stalenessHalfLife)
        try check(exchange.settlingRoundCount, in: 0...64, .settlingRoundCount)
        guard exchange.kind.isGossip else { return }
        // Each of these needs what only a common consensus has.
        guard Self.gossipAggregators.contains(aggregation.aggregator) else {
            throw .aggregatorNeedsGroup(aggregation.aggregator)
        }
        guard aggregation.outerLearningRate == 1, aggregation.outerMomentum == 0,
            !aggregation.normalizesSteps, !aggregation.usesControlVariates
        else { throw .aggregatorNeedsGroup("outer step, FedNova or SCAFFOLD") }
    }
}

extension Manifest.ExchangeSettings {
    func write(to writer: inout CanonicalWriter) {
        writer.write(kind.rawValue)
        writer.write(count: groupMemberCountMax)
        writer.write(count: fanOut)
        writer.write(count: stalenessHalfLife)
        writer.write(count: settlingRoundCount)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        let start = reader.offset
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else {
            throw .malformed(offset: start)
        }
        self.init(
            kind: kind, groupMemberCountMax: Int(try reader.read(UInt32.self)),
            fanOut: Int(try reader.read(UInt32.self)),
            stalenessHalfLife: Int(try reader.read(UInt32.self)),
            settlingRoundCount: Int(try reader.read(UInt32.self)))
    }
}
