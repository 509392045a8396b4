internal import Cryptography
internal import Tensors

/// The next consensus from updates that are read one after the other, whatever the rule.
///
/// A rule that sums as it goes sees every update once. One that needs all of them side by side sees
/// the layout in parts of whole pairs, in as many passes: each reads every update again and keeps
/// the part's tensors alone, so that at no time more than ``elementCountMax`` of their elements are
/// there. The outcome is that of ``AggregationRound/aggregate(_:onto:)``, bit for bit.
///
///     while sum.needsPass {
///         for participant in participants { try sum.add(bytes(of: participant)) }
///         try sum.endPass()
///     }
public struct RoundSum: Sendable {
    /// The elements of all members' updates that are held at once, 4 bytes each.
    ///
    /// 4 Mi, 16 MB: a tenth of the least budget that trains at all, and few passes.
    public static let elementCountMax = 4 << 20

    private let round: AggregationRound
    private let base: ConsensusState
    private let participants: [UpdateSummary]
    private let parts: [AdapterLayout]
    private let holdsUpdates: Bool
    /// The distances between updates, where a rule against liars has to know them before it forms
    /// anything: then there are twice as many passes.
    private var distances: RobustDistances?
    /// The sums of groups, where rounds have any; then the objects are theirs.
    private var groups: GroupMean?
    private var plan: RobustPlan?
    private var passCount = 0
    private var addedCount = 0
    private var current: any Aggregator
    private var adapter: [NamedTensors.Element] = []
    private var momentum: [NamedTensors.Element] = []
    private var ringDigest: Digest?
    private var droppedEnergy = 0.0

    /// Starts a sum onto the object that the round's base digest names.
    ///
    /// - Throws: `malformed`, `updateShapeMismatch` or `updateNonFinite` for bytes of another state.
    public init(
        _ round: AggregationRound, base: [UInt8], participants: [UpdateSummary],
        elementCountMax: Int = RoundSum.elementCountMax
    ) throws(RejectReason) {
        self.round = round
        self.base = try ConsensusState(bytes: base, layout: round.layout)
        self.participants = participants
        holdsUpdates = round.holdsUpdates
        parts =
            holdsUpdates && round.manifest.manifest.groupMemberCount == nil
            ? round.layout.parts(elementCountMax: elementCountMax / max(participants.count, 1))
            : [round.layout]
        current = round.makeAggregator(of: parts[0])
        let settings = round.manifest.manifest.aggregation.robustness
        if round.manifest.manifest.groupMemberCount != nil {
            groups = GroupMean(round)
        } else if let settings, parts.count > 1 {
            let none = RobustDistances(settings)
            if RobustDistances.areNeeded(settings) {
                distances = none
            } else {
                plan = try none.plan(
                    participantCount: participants.count, manifest: round.manifest.manifest,
                    digest: listDigest)
            }
        }
        prepareAggregator()
    }

    /// Whether the updates are to be read, once more or for the first time.
    public var needsPass: Bool {
        passCount < (distances == nil ? parts.count : 2 * parts.count)
    }

    private var part: AdapterLayout { parts[passCount % parts.count] }
    private var measures: Bool { distances != nil && passCount < parts.count }

    /// Adds an update object of a participant, each once in a pass, in any order.
    ///
    /// - Throws: the reason if it can't be summed.
    public mutating func add(_ bytes: [UInt8]) throws(RejectReason) {
        precondition(needsPass && addedCount < participants.count, "an update too many")
        if groups != nil {
            try groups?.add(bytes)
            addedCount += 1
            return
        }
        let update = try AdapterUpdateCodec.decode(
            bytes, byteCountMax: round.manifest.manifest.updateByteCountMax,
            only: parts.count > 1 ? part : nil)
        addedCount += 1
        // A member may hold nothing of the part.
        guard !update.tensors.isEmpty || parts.count == 1 else { return }
        try current.add(update)
    }

    /// Finishes the part that all updates were read for.
    ///
    /// - Throws: `updateNonFinite` if the outcome holds a value that is not finite.
    public mutating func endPass() throws(RejectReason) {
        precondition(addedCount == participants.count, "\(addedCount) updates in a pass")
        if measures, let part = current as? RobustMean {
            distances?.add(part)
        } else {
            let part = part
            let aggregate: Aggregate
            if let groups {
                aggregate = try groups.finish(base: base, digest: listDigest)
            } else {
                aggregate = try current.finish(base: base.part(part).tensors)
            }
            let state = try ConsensusState(aggregate.adapter, layout: part)
            adapter += state.adapter.elements
            momentum += state.momentum?.elements ?? []
            droppedEnergy = max(droppedEnergy, aggregate.droppedEnergy)
            if !holdsUpdates { ringDigest = aggregate.sumDigest }
        }
        passCount += 1
        addedCount = 0
        if plan == nil, passCount == parts.count, let distances {
            plan = try distances.plan(
                participantCount: participants.count, manifest: round.manifest.manifest,
                digest: listDigest)
        }
        if needsPass {
            current = round.makeAggregator(of: part)
            prepareAggregator()
        }
    }

    /// Tells a rule against liars what it does not see in a part of the layout.
    private mutating func prepareAggregator() {
        guard var rule = current as? RobustMean, parts.count > 1 else { return }
        rule.participants = participants.map(\.member).sorted()
        rule.plan = plan
        current = rule
    }

    /// The next consensus, after the last pass.
    public var aggregate: Aggregate {
        precondition(!needsPass, "a sum that is not finished")
        return Aggregate(
            sumDigest: ringDigest ?? listDigest,
            adapter: ConsensusState(
                adapter: NamedTensors(adapter),
                momentum: momentum.isEmpty ? nil : NamedTensors(momentum)
            ).tensors,
            droppedEnergy: droppedEnergy)
    }

    private var listDigest: Digest {
        HeldUpdates.digest(
            manifest: round.manifest.manifest,
            updates: participants.map { ($0.member, $0.objectID) }.sorted { $0.0 < $1.0 })
    }
}

extension AdapterLayout {
    /// The layout cut between pairs, each part of at most so many elements or of a single pair.
    func parts(elementCountMax: Int) -> [AdapterLayout] {
        let pairing = AdapterPairing(of: self)
        var parts: [[Entry]] = []
        var count = 0
        for (index, entry) in entries.enumerated() {
            let role = pairing.role(of: index)
            // B comes with its A.
            guard role?.factor != .output else { continue }
            let group = [entry] + (role.map { [entries[$0.pair.output]] } ?? [])
            let size = group.reduce(0) { $0 + $1.shape.elementCount }
            if parts.isEmpty || count + size > elementCountMax {
                parts.append([])
                count = 0
            }
            parts[parts.count - 1] += group
            count += size
        }
        return parts.map { part in
            AdapterLayout(entries: part.sorted { NamedTensors.precedes($0.name, $1.name) })
        }
    }
}
