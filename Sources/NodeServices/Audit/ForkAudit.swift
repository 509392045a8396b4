internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
public import Logging
internal import Storage

/// Compares what a node's log says with what another one knows, to find histories that exclude each
/// other.
///
/// The other one is a home (a copy of this node's, or another member's), a folder of tiles, or a
/// running node by its address.
public enum ForkAudit {
    /// Two histories that exclude each other.
    public struct Fork: Sendable {
        /// The member whose log or chain it is, as its peer ID.
        public let peer: String
        /// The first entry of the log that differs, where that can be told.
        public let entryIndex: UInt64?
        /// What is wrong.
        public let reason: String
        /// A text that proves it to anybody; nil where there is suspicion only.
        public let evidence: [UInt8]?
    }

    /// What an audit came to.
    public struct Report: Sendable {
        /// What was compared and agrees, a sentence each.
        public internal(set) var agreements: [String] = []
        /// The first thing that does not agree; nil if all does.
        public internal(set) var fork: Fork?
    }

    /// Compares a home with a place: a folder or an address.
    ///
    /// `logger` gets what the network says, for an address.
    /// - Throws: ``NodeError``: `notFound` where there is nothing to compare, `refused` for another
    ///   federation, `verificationFailed` where the other copy does not even hold by itself.
    public static func audit(
        home: NodeHome, against place: String, logger: Logger
    ) async throws(NodeError) -> Report {
        let own = try await StoredLog.open(home: home)
        if TileFolder.exists(at: place) {
            return try await compare(own, withTiles: TileFolder(path: place))
        }
        if FileManager.default.fileExists(atPath: place) {
            let other = try await StoredLog.open(home: NodeHome(path: place))
            return try await compare(own, with: other)
        }
        let address: Multiaddr
        do {
            address = try Multiaddr(place)
        } catch {
            throw NodeError(
                .invalidInput,
                "\(place) is neither a node's home, a folder of tiles, nor an address.",
                cause: error)
        }
        return try await RemoteLog.asking(address, logger: logger) { remote throws(NodeError) in
            try await compare(own, with: remote)
        }
    }

    // MARK: - With a home

    private static func compare(
        _ own: StoredLog, with other: StoredLog
    ) async throws(NodeError) -> Report {
        guard own.manifest.digest == other.manifest.digest else {
            throw NodeError(.refused, "The two homes are of different federations.")
        }
        var report = Report()
        if own.member == other.member {
            report.compare(try await own.copy(), with: try await other.copy())
        } else {
            let seenThere = try await other.store.seenTreeHead(of: own.member)
            report.compare(
                seen: seenThere, by: other.member, with: try await own.copy(), of: own.key,
                signed: try await own.treeHead(ofSizeIn: seenThere))
            if report.fork == nil {
                let seenHere = try await own.store.seenTreeHead(of: other.member)
                report.compare(
                    seen: seenHere, by: own.member, with: try await other.copy(),
                    of: other.key, signed: try await other.treeHead(ofSizeIn: seenHere))
            }
        }
        if report.fork == nil {
            report.compare(
                chain: try await own.store.entries(), with: try await other.store.entries(),
                of: other.member)
        }
        return report
    }

    private static func compare(
        _ own: StoredLog, withTiles folder: TileFolder
    ) async throws(NodeError) -> Report {
        let (member, copy) = try folder.copy(manifest: own.manifest)
        var report = Report()
        if member == own.member {
            report.compare(try await own.copy(), with: copy)
        } else {
            report.compare(
                seen: try await own.store.seenTreeHead(of: member), by: own.member, with: copy,
                of: copy.key)
        }
        return report
    }

    // MARK: - With a running node

    private static func compare(
        _ own: StoredLog, with remote: RemoteLog
    ) async throws(NodeError) -> Report {
        var report = Report()
        let copy = try await own.copy()
        let seen = try await remote.ask(.seen(own.member))
        report.compare(
            seen: seen, by: remote.member, with: copy, of: own.key,
            signed: try await own.treeHead(ofSizeIn: seen))
        guard report.fork == nil, remote.member != own.member else { return report }
        let key = try NodeLog.key(manifest: own.manifest, member: remote.member)
        let note = try await remote.ask(.head)
        guard let head = try? SignedTreeHead(bytes: note, key: key) else {
            report.fork = Fork(
                peer: report.name(remote.member), entryIndex: nil,
                reason: "it shows no tree head of its log in this federation", evidence: nil)
            return report
        }
        guard let known = try await own.store.seenTreeHead(of: remote.member),
            let seen = try? SignedTreeHead(bytes: known, key: key)
        else {
            report.agreements.append(
                "\(report.name(remote.member)): nothing of its log was seen here before")
            return report
        }
        try await report.compare(seen, with: head, key: key, of: remote)
        return report
    }
}

extension ForkAudit.Report {
    fileprivate func name(_ member: PublicKey) -> String {
        PeerID(publicKey: member).description
    }

    private mutating func found(
        _ member: PublicKey, _ index: UInt64?, _ reason: String, _ evidence: ForkEvidence?
    ) {
        fork = ForkAudit.Fork(
            peer: name(member), entryIndex: index, reason: reason, evidence: evidence?.bytes)
    }

    private static func holds(_ evidence: ForkEvidence) -> Bool {
        do {
            try evidence.verify()
            return true
        } catch {
            return false
        }
    }

    /// Two copies of one log: one must begin with the other.
    fileprivate mutating func compare(_ own: LogCopy?, with other: LogCopy?) {
        guard let other else {
            agreements.append("the other copy of the log has no entries")
            return
        }
        guard let own else {
            found(
                other.key.publicKey, 0,
                "the log was cut off: the other copy has \(other.tiles.size) entries", nil)
            return
        }
        let member = own.key.publicKey
        guard let evidence = own.fork(from: other) else {
            let (short, long) = (
                min(own.tiles.size, other.tiles.size), max(own.tiles.size, other.tiles.size)
            )
            agreements.append(
                "\(name(member)): a log of \(long) entries continues the other copy's \(short)")
            if own.tiles.size < other.tiles.size {
                found(
                    member, own.tiles.size,
                    "the log was cut off: the other copy has \(other.tiles.size) entries", nil)
            }
            return
        }
        let index = evidence.leaves?.first.proof.index
        found(member, index, "the log has two signed histories", evidence)
    }

    /// A head that a member saw of a log: the log must contain it.
    ///
    /// `signed` is the note of the head that the log itself keeps for that size, if it does.
    fileprivate mutating func compare(
        seen note: [UInt8]?, by witness: PublicKey, with copy: LogCopy?, of key: NoteKey,
        signed: [UInt8]? = nil
    ) {
        let member = key.publicKey
        guard let note, !note.isEmpty else {
            agreements.append("\(name(witness)) has seen no head of \(name(member))")
            return
        }
        guard let seen = try? SignedTreeHead(bytes: note, key: key) else {
            found(witness, nil, "it shows a head of \(name(member)) that the log did not sign", nil)
            return
        }
        let size = seen.head.size
        guard let copy, size <= copy.tiles.size else {
            found(
                member, copy?.tiles.size ?? 0,
                "the log was cut off: \(name(witness)) has seen a head of \(size) entries", nil)
            return
        }
        var proofs = ProofBuilder(copy.tiles)
        guard let root = try? proofs.root(size: size) else {
            preconditionFailure("a copy of \(copy.tiles.size) leaves has no \(size)")
        }
        guard root == seen.head.root else {
            // The leaf that differs can't be told from a root; two heads of one size prove it alone.
            let other = size == copy.tiles.size ? copy.head.bytes : signed
            let evidence = other.map { ForkEvidence(key: copy.key, notes: (seen.bytes, $0)) }
            let isProven = evidence.map(Self.holds) ?? false
            found(
                member, nil,
                "the log does not contain the head of \(size) entries that \(name(witness)) has "
                    + "seen", isProven ? evidence : nil)
            return
        }
        agreements.append(
            "\(name(member)): \(copy.tiles.size) entries continue the \(size) that "
                + "\(name(witness)) has seen")
    }

    /// The entries of both nodes: one for each height.
    fileprivate mutating func compare(
        chain own: [CertifiedEntry], with other: [CertifiedEntry], of member: PublicKey
    ) {
        for (entry, theirs) in zip(own, other) where entry.digest != theirs.digest {
            found(
                member, nil,
                "height \(entry.height) is certified with two results: \(entry.digest) here, "
                    + "\(theirs.digest) there", nil)
            return
        }
        agreements.append("\(min(own.count, other.count)) certified entries are the same")
    }

    /// A running node's newest head, and the one of its log that was seen before.
    fileprivate mutating func compare(
        _ seen: SignedTreeHead, with head: SignedTreeHead, key: NoteKey, of remote: RemoteLog
    ) async throws(NodeError) {
        let (older, newer) = (seen.head.size, head.head.size)
        guard older <= newer else {
            found(
                remote.member, newer,
                "the log was cut off: a head of \(older) entries was seen before", nil)
            return
        }
        guard older < newer else {
            guard seen.head.root == head.head.root else {
                found(
                    remote.member, nil, "the log has two signed histories",
                    ForkEvidence(key: key, notes: (seen.bytes, head.bytes)))
                return
            }
            agreements.append("\(name(remote.member)): still the \(older) entries seen before")
            return
        }
        let answer =
            older == 0 ? [] : try await remote.ask(.consistency(older: older, newer: newer))
        do {
            try ConsistencyProof(
                olderSize: older, newerSize: newer, hashes: LogQuery.hashes(in: answer) ?? []
            ).verify(olderRoot: seen.head.root, newerRoot: head.head.root)
        } catch {
            found(
                remote.member, nil,
                "it can't prove that its \(newer) entries continue the \(older) seen before: "
                    + "\(error)", nil)
            return
        }
        agreements.append(
            "\(name(remote.member)): \(newer) entries continue the \(older) seen before")
    }
}
