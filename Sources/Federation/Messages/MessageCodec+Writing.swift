internal import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// Values to their wire messages.
extension MessageCodec {
    static func wire(_ hello: Hello) -> WireHello {
        .with {
            $0.protocolVersion = hello.protocolVersion
            $0.manifestDigest = .init(hello.manifestDigest.bytes)
            $0.baseModelDigest = .init(hello.baseModelDigest.bytes)
            $0.publicKey = .init(hello.publicKey.bytes)
            $0.height = hello.height
            $0.headDigest = .init(hello.headDigest.bytes)
            if let chain = hello.membership { $0.membership = .init(chain.bytes) }
        }
    }

    static func wire(_ status: StatusReport) -> WireStatus {
        .with {
            $0.height = status.height
            $0.headDigest = .init(status.headDigest.bytes)
            $0.view = status.view
            $0.holdsProposal = status.holdsProposal
            $0.isDecided = status.isDecided
            $0.isLeaving = status.isLeaving
            $0.isFinished = status.isFinished
            $0.holdsAdapter = status.holdsAdapter
            $0.announcements = status.announcements
            $0.viewChanges = status.viewChanges
            $0.commits = status.commits
            $0.results = status.results
            $0.secondsPerStep = status.secondsPerStep
            $0.bytesPerSecond = status.bytesPerSecond
            $0.secondsInHeight = status.secondsInHeight
            if let reason = status.abstention {
                $0.abstention = UInt32(reason.code) << 16 | UInt32(reason.detail)
            }
        }
    }

    static func wire(_ join: SignedJoin) -> WireJoin {
        .with {
            $0.member = .init(join.member.bytes)
            $0.height = join.height
            $0.signature = .init(join.signature)
        }
    }

    static func wire(_ leave: SignedLeave) -> WireLeave {
        .with {
            $0.member = .init(leave.member.bytes)
            $0.memberSince = leave.memberSince
            $0.signature = .init(leave.signature)
        }
    }

    static func wire(_ announcement: SignedAnnouncement) -> WireAnnouncement {
        let summary = announcement.summary
        return .with {
            $0.member = .init(summary.member.bytes)
            $0.round = summary.round
            $0.baseAdapter = .init(summary.baseAdapterDigest.bytes)
            $0.objectID = .init(summary.objectID.bytes)
            $0.exampleCount = UInt32(clamping: summary.exampleCount)
            $0.byteCount = UInt64(clamping: summary.byteCount)
            $0.signature = .init(announcement.signature)
        }
    }

    static func wire(_ propose: Propose) -> WirePropose {
        .with {
            $0.height = propose.proposal.height
            $0.view = propose.view
            $0.proposal = .init(propose.proposal.canonicalBytes)
            $0.signature = .init(propose.signature)
            $0.justification = propose.justification.map { wire($0, proposal: nil) }
        }
    }

    static func wire(_ commit: Commit) -> WireCommit {
        .with {
            $0.height = commit.ballot.height
            $0.view = commit.ballot.view
            $0.proposalDigest = .init(commit.ballot.proposalDigest.bytes)
            $0.member = .init(commit.member.bytes)
            $0.signature = .init(commit.signature)
        }
    }

    static func wire(_ change: ViewChange, proposal: Proposal?) -> WireViewChange {
        .with {
            $0.height = change.height
            $0.view = change.view
            $0.member = .init(change.member.bytes)
            $0.signature = .init(change.signature)
            if let committed = change.committed {
                $0.hasCommitted_p = true
                $0.committedView = committed.view
                $0.committedDigest = .init(committed.proposalDigest.bytes)
            }
            if let proposal { $0.proposal = .init(proposal.canonicalBytes) }
        }
    }

    static func wire(_ decision: Decision) -> WireDecision {
        .with {
            $0.view = decision.certificate.view
            $0.proposal = .init(decision.proposal.canonicalBytes)
            $0.commits = decision.certificate.signatures.map { item in
                .with {
                    $0.member = .init(item.member.bytes)
                    $0.signature = .init(item.signature)
                }
            }
        }
    }

    static func wire(_ result: SignedResult) -> WireResult {
        .with {
            $0.height = result.height
            $0.proposalDigest = .init(result.proposalDigest.bytes)
            $0.sumDigest = .init(result.sumDigest.bytes)
            $0.adapterDigest = .init(result.adapterDigest.bytes)
            $0.membersDigest = .init(result.membersDigest.bytes)
            $0.member = .init(result.member.bytes)
            $0.signature = .init(result.signature)
        }
    }

    static func wire(_ reply: StateReply) -> WireStateReply {
        .with {
            if let latest = reply.latest { $0.latest = wire(latest) }
            if let yours = reply.yours { $0.yours = wire(yours) }
        }
    }

    static func wire(_ share: MembershipShare, digest: Digest) -> WireMembership {
        .with {
            $0.certificates = share.certificates.map { .init($0.bytes) }
            $0.revocations = share.revocations.map { .init($0.bytes) }
            $0.digest = .init(digest.bytes)
        }
    }

    static func wire(_ share: RosterShare) -> WireRoster {
        .with {
            $0.joins = share.joins.map { wire($0) }
            $0.leaves = share.leaves.map { wire($0) }
        }
    }
}
