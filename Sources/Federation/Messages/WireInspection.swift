package import Cryptography

/// What a message states, for checkers that watch a network.
package enum WireInspection {
    /// A statement of which one member may make only one at its place.
    package struct Statement: Hashable, Sendable {
        /// Where only one is allowed.
        package struct Place: Hashable, Sendable {
            package let subject: Equivocation.Subject
            package let member: PublicKey
            package let height: UInt64
            package let view: UInt64
        }

        package let place: Place
        /// What was stated there.
        package let digest: Digest
    }

    /// The kind of a message: a stable short name.
    package static func kind(of bytes: [UInt8]) -> String {
        do {
            switch try MessageCodec.decode(bytes) {
            case .hello: return "hello"
            case .refuse: return "refuse"
            case .status: return "status"
            case .join: return "join"
            case .leave: return "leave"
            case .announcement: return "announcement"
            case .propose: return "propose"
            case .commit: return "commit"
            case .viewChange: return "viewChange"
            case .decision: return "decision"
            case .result: return "result"
            case .chainRequest: return "chainRequest"
            case .chain: return "chain"
            case .manifestRequest: return "manifestRequest"
            case .manifestReply: return "manifestReply"
            case .stateRequest: return "stateRequest"
            case .stateReply: return "stateReply"
            case .roster: return "roster"
            case .membership: return "membership"
            }
        } catch {
            return "unreadable"
        }
    }

    /// The statement that a member makes with a message of its own; `nil` for other messages and
    /// for ones that are passed on.
    package static func statement(in bytes: [UInt8], from member: PublicKey) -> Statement? {
        // The tags of announcement, commit and result; nothing else is worth decoding.
        guard let tag = bytes.first, tag == 0x32 || tag == 0x42 || tag == 0x5A else { return nil }
        let message: Message
        do {
            message = try MessageCodec.decode(bytes)
        } catch {
            return nil
        }
        switch message {
        case .announcement(let item) where item.summary.member == member:
            return make(.announcement, member, item.summary.round, 0, item.summary.objectID)
        case .commit(let item) where item.member == member:
            return make(
                .commit, member, item.ballot.height, item.ballot.view, item.ballot.proposalDigest)
        case .result(let item) where item.member == member:
            var writer = CanonicalWriter()
            writer.write(raw: item.proposalDigest.bytes)
            writer.write(raw: item.adapterDigest.bytes)
            let digest = Hashing.blake2b256(writer.bytes)
            return make(.result, member, item.height, 0, digest)
        default:
            return nil
        }
    }

    private static func make(
        _ subject: Equivocation.Subject, _ member: PublicKey, _ height: UInt64, _ view: UInt64,
        _ digest: Digest
    ) -> Statement {
        Statement(
            place: Statement.Place(
                subject: subject, member: member, height: height, view: view),
            digest: digest)
    }
}

extension PeerInstance {
    /// The signatures that decide the height which this node is at.
    package var decisionQuorum: Int { current.quorum }

    /// The sizes of everything that peers can make grow, with their bounds.
    package var boundedSizes: [(name: String, count: Int, bound: Int)] {
        [
            ("peers", peers.count, Limits.peerCount),
            ("pending joins", pendingJoins.count, Limits.pendingJoinCount),
            ("proposals", current.proposals.count, HeightState.proposalCountMax),
            (
                "commits", current.commits.values.map(\.count).max() ?? 0,
                HeightState.commitCountMax
            ),
            ("announcements", current.announcements.count, Manifest.memberCountMax),
            ("view changes", current.viewChanges.count, Manifest.memberCountMax),
            ("reports", reportedLate.count + reportedRefusals.count, 2 * Limits.reportCount),
        ]
    }
}
