internal import ArgumentParser
internal import Cryptography
internal import Federation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices

/// Tells where a node stands.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show round, members, participants and digest of a node, running or not."
    )

    @OptionGroup var home: HomeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await withSharedConsole(output) { console in
            let status = try await NodeStatus.read(home: home.folder)
            console.report(Self.record(of: status), text: Self.text(of: status))
        }
    }

    private static func record(of status: NodeStatus) -> JSONRecord {
        let chain = status.chain
        let last = chain.lastRound
        var record = JSONRecord()
        record.add("peer_id", status.peerID.description)
        record.add("federation", status.manifest.manifest.name)
        record.add("manifest_digest", status.manifest.digest.hexadecimal)
        let gossip = status.gossip
        record.add("round", Int(gossip?.round ?? chain.completedRoundCount))
        record.add(
            "rounds",
            gossip.map { Int($0.roundCount) }
                ?? status.manifest.manifest.training.roundCount)
        record.add("exchange", "\(status.manifest.manifest.exchange.kind)")
        if let gossip {
            record.add("pending_states", gossip.pendingCount)
            if let distance = gossip.distance {
                record.add("consensus_distance", distance.value)
                record.add("mean_norm", distance.meanNorm)
                record.add("distance_samples", distance.sampleCount)
            }
            record.add(
                "equivocators", .array(gossip.equivocators.map { .string(name($0)) }))
        }
        record.add("height", Int(chain.height))
        let settings = status.manifest.manifest.aggregation
        record.add("aggregation", settings.aggregator)
        record.add("wire", WireOption(settings.wireForm).rawValue)
        record.add("rule", RobustnessOptions.text(of: settings.robustness))
        if let secure = status.manifest.manifest.secure {
            record.add("secure_minimum", secure.memberMinimum)
            record.add("secure_round_lost", .bool(last?.secure == .lost))
        }
        record.add("rank", status.manifest.manifest.adapter.rank)
        record.add("update_bytes_max", status.manifest.manifest.updateByteCountMax)
        if let traffic = Traffic(status) {
            record.add("round_bytes", traffic.all)
            record.add("own_round_bytes", traffic.own)
        }
        let isFinished = gossip?.isFinished ?? chain.isFinished
        record.add("phase", status.live?.phase ?? (isFinished ? "finished" : "stopped"))
        let members = gossip?.members ?? chain.members
        record.add("members", .array(members.map { .string(name($0)) }))
        record.add("peers", .array((status.live?.connectedPeers ?? []).map { .string($0) }))
        record.add(
            "adapter_digest", (gossip?.adapterDigest ?? chain.adapterDigest).hexadecimal)
        record.add(
            "participants",
            .array((last?.participatingMembers ?? []).map { .string(name($0)) })
        )
        record.add(
            "absences",
            .array(
                (last?.absences ?? []).map { absence in
                    var item = JSONRecord()
                    item.add("peer", name(absence.member))
                    item.add("reason", absence.reason.sentence)
                    return item.value
                }
            )
        )
        if let network = status.network {
            record.add("reachability", network.reachability)
            record.add("told_addresses", .array(network.told.map { .string($0) }))
            record.add("observed_hosts", .array(network.observed.map { .string($0) }))
            record.add("relayed_peers", .array(network.relayedPeers.map { .string($0) }))
            record.add("relayed_circuits", network.relayedCircuitCount)
        }
        if let live = status.live {
            record.add("process_id", Int(live.processID))
            record.add("method", live.part?.method.rawValue ?? "none")
            if let rank = live.part?.rank { record.add("trained_rank", rank) }
            if let layers = live.part?.lastLayerCount { record.add("trained_layers", layers) }
            record.add("seconds_to_deadline", live.secondsToDeadline)
            record.add("resident_memory_bytes", live.residentByteCount)
            if let training = live.training {
                record.add("training_round", Int(training.round))
                record.add("training_step", training.step)
                record.add("loss", training.loss)
            }
        }
        return record
    }

    private static func text(of status: NodeStatus) -> String {
        let chain = status.chain
        let gossip = status.gossip
        let manifest = status.manifest.manifest
        var lines = [
            "node          \(status.peerID)",
            "federation    \(manifest.name), \(status.manifest.digest)",
            "round         \(gossip?.round ?? chain.completedRoundCount) of "
                + "\(gossip?.roundCount ?? UInt64(manifest.training.roundCount))",
            "adapter       \(gossip?.adapterDigest ?? chain.adapterDigest)"
                + (gossip == nil ? "" : ", this node's own"),
            "members       \(gossip?.members.count ?? chain.members.count)",
            "aggregation   \(manifest.aggregation.aggregator), "
                + "\(WireOption(manifest.aggregation.wireForm).rawValue), "
                + "rank \(manifest.adapter.rank)",
        ]
        if let robustness = manifest.aggregation.robustness {
            lines.append("rule          " + RobustnessOptions.text(of: robustness))
        }
        if let secure = manifest.secure {
            lines.append(
                "secure        updates are hidden in sums of \(secure.memberMinimum) or more")
        }
        if let gossip {
            lines.append(
                "consensus     "
                    + (gossip.distance.map { "distance \($0.text), of \($0.sampleCount) states" }
                        ?? "distance not known yet: nothing was averaged"))
            for member in gossip.equivocators {
                lines.append("  refused     \(name(member)): announced two states in one round")
            }
        }
        if let last = chain.lastRound {
            let count = last.participatingMembers.count
            lines.append(
                "last round    averaged with \(count) of \(count + last.absences.count)"
            )
            for absence in last.absences {
                lines.append("  absent      \(name(absence.member)): \(absence.reason.sentence)")
            }
        }
        if let traffic = Traffic(status) {
            lines.append(
                "bytes         \(traffic.all) in the last round, \(traffic.own) of them own")
        }
        if let live = status.live {
            lines.append("process       \(live.processID), \(live.phase)")
            let part = live.part.map(text) ?? "nothing, for there is too little memory"
            lines.append("trains        \(part)")
            lines.append("connected     \(live.connectedPeers.count) peers")
            if let network = status.network { lines += text(of: network) }
            if let training = live.training {
                lines.append(
                    "training      round \(training.round), step \(training.step) of "
                        + "\(training.stepCount), loss \(training.loss.text(places: 4))"
                )
            }
            lines.append("memory        \(live.residentByteCount >> 20) MB")
        } else {
            lines.append("process       none")
        }
        return lines.joined(separator: "\n")
    }

    /// What the updates of the last certified round have in bytes.
    private struct Traffic {
        let all: Int
        let own: Int

        init?(_ status: NodeStatus) {
            guard let round = status.chain.lastRound, round.secure == nil else { return nil }
            let key = status.peerID.publicKey
            all = round.participants.reduce(0) { $0 + $1.byteCount }
            own = round.participants.reduce(0) { $0 + ($1.member == key ? $1.byteCount : 0) }
        }
    }

    private static func text(of network: NetworkSnapshot) -> [String] {
        var lines = ["reachable     \(network.reachability)"]
        for (host, count) in zip(network.observed, network.observedCounts) {
            lines.append("  seen at     \(host), by \(count) peers")
        }
        lines += network.circuits.map { "  through     \($0)" }
        if !network.relayedPeers.isEmpty {
            lines.append(
                "relay         for \(network.relayedPeers.count) peers, "
                    + "\(network.relayedCircuitCount) circuits")
        }
        return lines
    }

    private static func text(of part: TrainedPart) -> String {
        guard part.method == .lora else { return part.method.rawValue }
        var text = part.method.rawValue
        if let rank = part.rank { text += ", rank \(rank)" }
        if let layers = part.lastLayerCount { text += ", \(layers) layers" }
        return text
    }

    private static func name(_ key: PublicKey) -> String {
        PeerID(publicKey: key).description
    }
}
