internal import ArgumentParser
internal import Federation

/// How the members of a federation come together.
struct ExchangeOptions: ParsableArguments {
    /// The ways, as the command line has them.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case group, gossip, groups
    }

    @Option(
        help: """
            group: all members sum their updates and certify one adapter; gossip: each node keeps an \
            adapter of its own, pushes it to --fan-out random members and averages what arrives, \
            without waiting for anybody; groups: the same within groups that are redrawn each round. \
            group, but groups for more than 16 --members, unless set.
            """)
    var exchange: Kind?

    @Option(help: "With gossip: the members that a node pushes its adapter to each round, 1 to 15.")
    var fanOut: Int?

    @Option(
        help: "With gossip and groups: the rounds after which an adapter counts half, 1 to 1000.")
    var halfLife: Int?

    @Option(
        help: """
            With gossip and groups: rounds without training at the end, which bring the adapters \
            together, 0 to 64.
            """)
    var settlingRounds: Int?

    @Option(help: "With gossip and groups: the most adapters in one mean, 2 to 16.")
    var groupSize: Int?

    /// The most members of one group: beyond it not everybody needs everybody's update.
    static let groupMemberCountMax = 16

    /// The manifest's settings for so many first members; what only certified rounds have keeps
    /// them in one group.
    func settings(
        memberCount: Int, isCertified: Bool = false
    ) throws -> Manifest.ExchangeSettings {
        let isLarge = memberCount > Self.groupMemberCountMax && !isCertified
        let kind = exchange ?? (isLarge ? .groups : .group)
        guard kind != .group else {
            guard fanOut == nil, halfLife == nil, settlingRounds == nil, groupSize == nil else {
                throw ValidationError(
                    "--fan-out, --half-life, --settling-rounds and --group-size go with "
                        + "--exchange gossip or groups.")
            }
            return .group
        }
        var settings: Manifest.ExchangeSettings = kind == .groups ? .groups : .gossip
        if let fanOut { settings.fanOut = fanOut }
        if let halfLife { settings.stalenessHalfLife = halfLife }
        if let settlingRounds { settings.settlingRoundCount = settlingRounds }
        if let groupSize { settings.groupMemberCountMax = groupSize }
        return settings
    }
}
