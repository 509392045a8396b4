internal import Cryptography
internal import Federation
internal import JSONDocuments
internal import LibP2P
internal import NodeServices
internal import Synchronization
internal import Training

/// Tells a person, or a program, what a running node does.
final class NodeNarrator: Sendable {
    private let console: SharedConsole
    private let start = ContinuousClock().now
    private let roundStart = Mutex(ContinuousClock().now)

    init(console: SharedConsole) {
        self.console = console
    }

    /// Tells one thing.
    func tell(_ report: NodeReport) {
        switch report {
        case .listening(let lines):
            for line in lines { say("listening", ["join": "\(line)"], "join: \(line)") }
        case .planned(let plan, let layerCount):
            say(
                "plan",
                [
                    "plan": plan.title(layerCount: layerCount),
                    "predicted_bytes": "\(plan.peak.byteCount)",
                ],
                plan.sentence(layerCount: layerCount))
        case .memoryBounded(let available, let wanted):
            let free = MemorySize(byteCount: max(1, available.byteCount)).rounded
            say(
                "memory_bounded", ["available_bytes": "\(available.byteCount)"],
                "memory is \(wanted), but \(available.bound.name) only \(free)")
        case .steppedDown(let shortage, let plan, let next, let layerCount):
            say(
                "stepped_down",
                [
                    "resident_bytes": "\(shortage.residentByteCount)",
                    "plan": next?.title(layerCount: layerCount) ?? "none",
                ],
                shortage.sentence(plan) + ": "
                    + (next?.sentence(layerCount: layerCount) ?? "nothing is trained"))
        case .preparingModel(let name, let done, let total):
            console.progress("base model \(name), MB", done: done >> 20, of: total >> 20)
        case .peerConnected(let peer):
            say("connected", ["peer": "\(peer)"], "connected with \(peer)")
        case .peerDisconnected(let peer, let reason):
            say(
                "disconnected", ["peer": "\(peer)", "reason": reason],
                "connection with \(peer) ended: \(reason)"
            )
        case .federation(let notification):
            tell(notification)
        case .trained(let round, let step, let stepCount, let loss, let rate):
            console.progress(
                "round \(round): loss \(loss.text(places: 4)), \(Int(rate)) tokens/s, step",
                done: step, of: stepCount, since: roundStart.withLock { $0 }
            )
        case .updateReady(let summary):
            say(
                "update", ["round": "\(summary.round)", "digest": "\(summary.objectID)"],
                "round \(summary.round): trained on \(summary.exampleCount) rows, update of "
                    + "\(summary.byteCount >> 10) KiB is ready"
            )
        case .contributionReady(let round, let exampleCount):
            say(
                "update", ["round": "\(round)"],
                "round \(round): trained on \(exampleCount) rows, update is ready to be masked"
            )
        case .adopted(_, round: 0):
            break
        case .adopted(let adapter, let round):
            say(
                "adopted", ["round": "\(round)", "adapter_digest": "\(adapter)"],
                "round \(round): adapter \(adapter)"
            )
        case .finished(let adapter, let isCertified):
            say(
                "finished", ["adapter_digest": "\(adapter)", "certified": "\(isCertified)"],
                isCertified
                    ? "all rounds are certified; consensus adapter \(adapter)"
                    : "all rounds are over; this node's own adapter \(adapter)"
            )
        case .refused(let key, let reason):
            say(
                "refused", ["peer": name(key), "reason": reason.sentence],
                "refused \(name(key)): \(reason.sentence)"
            )
        }
    }

    /// Tells that somebody asked for the end.
    func stopping() {
        say("stopping", [:], "stopping after this step")
    }

    /// Tells how the run ended.
    func ended(_ ending: Node.Ending) {
        switch ending {
        case .finished: say("ended", ["ending": "finished"], "finished")
        case .stopped:
            say("ended", ["ending": "stopped"], "stopped; 'starling run' goes on from here")
        }
    }

    private func tell(_ notification: Notification) {
        switch notification {
        case .waitingForMembers(let present, let needed):
            say(
                "waiting", ["members": "\(present)", "needed": "\(needed)"],
                "\(present) of \(needed) members are in; waiting for the others"
            )
        case .roundStarted(let round, _):
            roundStart.withLock { $0 = ContinuousClock().now }
            say("round", ["round": "\(round)"], "-- round \(round)")
        case .roundCertified(let report):
            tell(report)
        case .memberJoined(let key, let height):
            say(
                "joined", ["peer": name(key), "height": "\(height)"],
                "member \(name(key)) is in"
            )
        case .memberLeft(let key, let height, _):
            say(
                "left", ["peer": name(key), "height": "\(height)"],
                "member \(name(key)) is out"
            )
        case .belowQuorum(let reachable, let needed):
            say(
                "below_quorum", ["reachable": "\(reachable)", "needed": "\(needed)"],
                "only \(reachable) members can be reached and \(needed) are needed; waiting, "
                    + "nothing is lost"
            )
        case .quorumRestored(let reachable, _):
            say(
                "quorum", ["reachable": "\(reachable)"],
                "\(reachable) members can be reached; going on"
            )
        case .viewChanged(let height, let view):
            say(
                "view", ["height": "\(height)", "view": "\(view)"],
                "the proposer did not deliver; another one's turn (view \(view))"
            )
        case .ownUpdateLate(let round):
            say(
                "late", ["round": "\(round)"],
                "round \(round): own update came too late and is in the log only"
            )
        case .resultDiffers(let height):
            say(
                "differs", ["height": "\(height)"],
                "own sum differs from the certified one at height \(height); taking that over"
            )
        case .caughtUp(let height):
            say("caught_up", ["height": "\(height)"], "caught up to height \(height)")
        case .refusedBy(let key, let reason):
            say(
                "refused_by", ["peer": name(key), "reason": reason.sentence],
                "refused by \(name(key)): \(reason.sentence)"
            )
        case .smallGroups(let minimum):
            say(
                "small_groups", ["minimum": "\(minimum)"],
                "WARNING: sums of \(minimum) updates are allowed: \(minimum - 1) members together "
                    + "know the last one's"
            )
        case .secureSumOpened(let round, let participantCount, let memberCount):
            say(
                "sum_opened",
                [
                    "round": "\(round)", "participants": "\(participantCount)",
                    "members": "\(memberCount)",
                ],
                "round \(round): opened the sum of \(participantCount) updates"
            )
        case .secureRoundEnded(let round, let end):
            say(
                "secure_round_ended",
                [
                    "round": "\(round)", "reason": end.reason.rawValue,
                    "keeps_update": "\(end.keepsUpdate)",
                ],
                "round \(round): \(end.reason.sentence)"
            )
        case .secureSumRefused(let round, let reason):
            say(
                "sum_refused", ["round": "\(round)", "reason": reason.sentence],
                "round \(round): the sum is not what members within their bounds put in; it is "
                    + "not used"
            )
        case .secureEvidence(let key):
            say(
                "evidence", ["peer": name(key)],
                "\(name(key)) broke the rules of the secure round; its own signatures show it"
            )
        case .membershipOver(let reason, let text):
            say(
                "membership_over", ["reason": reason.sentence, "text": text],
                reason.sentence + (text.isEmpty ? "" : " The issuer says: \(text)")
            )
        case .inviteOverused(_, let key):
            say(
                "invite_overused", ["peer": name(key)],
                "WARNING: \(name(key)) has a certificate for an invite that others have used up; "
                    + "its issuers know who"
            )
        case .duplicateIdentity:
            say("duplicate", [:], "another running node has this node's key")
        case .stateMixed(let round, let inputCount, let distance):
            var record = JSONRecord()
            record.add("event", "mixed")
            record.add("round", Int(round))
            record.add("inputs", inputCount)
            var text = "round \(round): averaged with \(inputCount) that arrived"
            if let distance {
                record.add("consensus_distance", distance.value)
                record.add("mean_norm", distance.meanNorm)
                text += ", consensus distance \(distance.text)"
            }
            console.report(record, text: text)
        case .equivocationFound(let key, let round):
            say(
                "equivocation", ["peer": name(key), "round": "\(round)"],
                "\(name(key)) announced two states in round \(round); both are in the log, and "
                    + "its states don't count any more"
            )
        case .departed: say("departed", [:], "this node has left the federation")
        case .everyMemberHasFinal: say("complete", [:], "every member holds the last round")
        }
    }

    private func tell(_ report: RoundReport) {
        let members = report.participatingMembers
        let count = members.count
        let all = count + report.absences.count
        var record = JSONRecord()
        record.add("event", "certified")
        record.add("round", Int(report.round))
        record.add("participants", .array(members.map { .string(name($0)) }))
        record.add("members", all)
        record.add("adapter_digest", report.adapterDigest.hexadecimal)
        var text = "round \(report.round): averaged with \(count) of \(all)"
        if let secure = report.secure {
            record.add("secure", secure == .lost ? "lost" : "summed")
            if secure == .lost { text = "round \(report.round): no sum; the adapter stays" }
        }
        for absence in report.absences {
            text += "\n  absent: \(name(absence.member)): \(absence.reason.sentence)"
        }
        console.report(record, text: text)
    }

    private func say(_ event: String, _ fields: [String: String], _ text: String) {
        var record = JSONRecord()
        record.add("event", event)
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { record.add(key, value) }
        console.report(record, text: text)
    }

    private func name(_ key: PublicKey) -> String {
        PeerID(publicKey: key).description
    }
}
