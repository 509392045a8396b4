internal import LibP2P
internal import Transports

/// What the answers of peers come to.
struct ReachabilityFindings {
    let subject: NetworkDoctor.Subject
    let replies: [ReachabilityAsker.Reply]

    /// Whether a peer got through to what the node tells others.
    var reachable: NetworkCheck {
        let trials = replies.flatMap(\.answer.trials)
        let circuits = subject.live?.circuits ?? []
        if subject.answering != nil, subject.told.isEmpty, let first = circuits.first {
            return NetworkCheck(
                .reachable, .warning,
                "private: the node listens nowhere; peers reach it through a relay, at \(first)",
                repair: "nothing has to be done; a port of its own, with --listen, is faster")
        }
        guard !subject.told.isEmpty, subject.answering != nil, !trials.isEmpty else {
            return NetworkCheck(
                .reachable, .skipped,
                replies.isEmpty
                    ? "unknown: no peer could be asked to dial back"
                    : "unknown: there is no address to dial back")
        }
        let reached = trials.filter { $0.outcome == .reached }
        if let first = reached.first {
            return NetworkCheck(.reachable, .passed, "public: peers reach \(first.address)")
        }
        let seen = replies.compactMap(\.answer.observedAddress?.tcpEndpoint?.host).first
        let findings = trials.map { "\($0.address): \(Self.sentence(of: $0.outcome))" }
        if let first = circuits.first {
            return NetworkCheck(
                .reachable, .warning,
                "private: \(findings.joined(separator: "; ")); peers reach the node through a "
                    + "relay, at \(first)",
                repair: repair(trials.map(\.outcome), seen: seen))
        }
        return NetworkCheck(
            .reachable, .failed, "private: " + findings.joined(separator: "; "),
            repair: repair(trials.map(\.outcome), seen: seen))
    }

    private func repair(_ outcomes: [ReachabilityCheck.Outcome], seen: String?) -> String {
        let port = subject.told.first?.tcpEndpoint.map { String($0.port) } ?? "7411"
        let outer = seen.map {
            "--advertise /\($0.contains(":") ? "ip6" : "ip4")/\($0)/tcp/\(port)"
        }
        if outcomes.contains(.foreignHost), let outer, let seen {
            return "peers see this machine at \(seen); forward port \(port) there and tell it with "
                + outer
        }
        if outcomes.contains(.otherPeer) {
            return "another node answers at that address: forward the port to this machine, or "
                + "tell another address with --advertise"
        }
        if outcomes.contains(.otherProgram) {
            return "another program answers at that address, or a node with another --network-key: "
                + "forward the port to this node"
        }
        return "open port \(port) in the firewall and forward it to this machine"
            + (outer.map { "; peers see it as \($0)" } ?? "")
            + "; or have a member with a public address run with --relay-service, which this "
            + "node then uses by itself; a node that only dials out still takes part"
    }

    private static func sentence(of outcome: ReachabilityCheck.Outcome) -> String {
        switch outcome {
        case .reached: "reached"
        case .foreignHost: "not tried, because peers see this machine at another address"
        case .notConnected: "no connection came about"
        case .otherPeer: "another peer answers"
        case .otherProgram: "what answers is no node of this network"
        case .busy: "not tried, the peer is busy"
        }
    }

    /// How far the clock is off, by the middle one of the answers.
    var clock: NetworkCheck {
        // An answer that took long to come says little of the clock.
        let sorted = replies.map { (ahead: $0.clockAhead, doubt: $0.uncertainty) }
            .sorted { $0.ahead < $1.ahead }
        guard !sorted.isEmpty else {
            return NetworkCheck(.clock, .skipped, "no peer told its time")
        }
        let middle = sorted[sorted.count / 2]
        let seconds = middle.ahead / .seconds(1)
        let distance = abs(seconds)
        let doubt = middle.doubt / .seconds(1)
        let text =
            "peers' clocks are \(Self.rounded(distance)) s "
            + "\(seconds >= 0 ? "ahead of" : "behind") this one, give or take "
            + "\(Self.rounded(doubt)) s"
        let repair = "set the clock with 'timedatectl set-ntp true', or run an NTP client"
        if distance > NetworkDoctor.skewHarmful / .seconds(1) + doubt {
            return NetworkCheck(.clock, .failed, text, repair: repair)
        }
        if distance > NetworkDoctor.skewNoticed / .seconds(1) + doubt {
            return NetworkCheck(.clock, .warning, text, repair: repair)
        }
        return NetworkCheck(.clock, .passed, text)
    }

    private static func rounded(_ value: Double) -> String {
        "\((value * 10).rounded() / 10)"
    }

    /// Whether a peer is connected with this identity where no node of this home is.
    var identity: NetworkCheck {
        guard subject.identity != nil, !replies.isEmpty else {
            return NetworkCheck(.identity, .skipped, "no peer could be asked")
        }
        let own = subject.live?.instance
        for reply in replies {
            for session in reply.answer.sessions {
                let tag = NodeInstance.tag(inAgent: session.agent)
                guard let tag, tag != own else { continue }
                return NetworkCheck(
                    .identity, .failed,
                    "peer \(reply.peer) is connected with another node that has this key, from "
                        + "\(session.address)",
                    repair: "stop one of the two; a copied home needs a key of its own: move "
                        + "identity.key away there and join anew"
                )
            }
        }
        return NetworkCheck(.identity, .passed, "no peer knows another node with this key")
    }
}
