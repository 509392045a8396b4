internal import Cryptography

/// What checkers of a simulated federation look at.
extension GossipInstance {
    /// The sizes of everything that peers can make grow, with their bounds.
    package var boundedSizes: [(name: String, count: Int, bound: Int)] {
        [
            ("peers", peers.count, Limits.peerCount),
            ("roster", roster.entries.count, GossipRoster.countMax),
            ("inputs", inputs.count, settings.groupMemberCountMax - 1),
            ("remembered members", seen.count, GossipRoster.countMax),
            (
                "remembered announcements", seen.values.map(\.recent.count).max() ?? 0,
                SeenMember.recentCountMax
            ),
            ("refusals", reportedRefusals.count, Limits.reportCount),
            ("retained rounds", retained.count, retainedRoundCount + 1),
        ]
    }

    /// The durable records of a node that knows these members from the start.
    package static func records(
        ofMembers signers: [any MessageSigner], manifest: SignedManifest
    ) -> [String: [UInt8]] {
        var records: [String: [UInt8]] = [:]
        for signer in signers {
            let join = SignedJoin(manifest: manifest.digest, height: 0, signer: signer)
            records[DurableRecord.roster(signer.publicKey)] = MessageCodec.encode(
                .roster(RosterShare(joins: [join])))
        }
        return records
    }

    /// The states that wait for the next mean, fetched or not.
    package var pendingInputs: [UpdateSummary] { inputs.values.map(\.summary) }
}
