public import Cryptography

/// A round opened again from its transcript.
extension SecureTranscript {
    /// The members as a roster binds them to a group.
    private struct Group {
        let id: Digest
        let keys: [PublicKey]
        let maskKeys: [RistrettoPoint]
        let thresholds: SecureThresholds
        let wordCount: Int

        func key(of index: Int) -> PublicKey? {
            keys.indices.contains(index - 1) ? keys[index - 1] : nil
        }
    }

    /// Checks every signature and hash and takes the masks off.
    ///
    /// - Throws: the first thing that does not hold.
    /// - Complexity: O(words x participants), a mask for each.
    public func open(
        manifest: SignedManifest, round: UInt64, networkKey: SecretBytes? = nil
    ) throws(Failure) -> SecureSum {
        let group = try group(manifest: manifest, round: round, networkKey: networkKey)
        let commit = try commit(in: group)
        try checkSums(commit, in: group)
        let secrets = try secrets(commit, in: group)
        let masks: [MaskGenerator.Mask]
        do {
            masks = try VectorMasking.openingMasks(
                participants: commit.participants,
                selfKeys: secrets.filter { commit.participants.contains($0.key) },
                dropped: secrets.filter { commit.dropped.contains($0.key) },
                keys: group.maskKeys, group: group.id)
        } catch {
            throw .roster
        }
        var words = words
        MaskGenerator.apply(masks, to: &words)
        let digest = Hashing.blake2b256(littleEndianWords: words[...])
        let weight = words.removeLast()
        return SecureSum(
            participants: commit.participants.indices.compactMap(group.key), words: words,
            weight: weight, digest: digest)
    }

    private func group(
        manifest: SignedManifest, round: UInt64, networkKey: SecretBytes?
    ) throws(Failure) -> Group {
        guard roster.kind == .roster, let body = try? SecureRoster(roster),
            body.manifestDigest == manifest.digest, body.round == round,
            body.memberMinimum == manifest.manifest.secure?.memberMinimum,
            body.joins.count == joins.count,
            (body.memberMinimum...SecureThresholds.memberCountMax).contains(joins.count),
            body.format.isValid(memberCount: joins.count)
        else { throw .roster }
        var keys: [PublicKey] = []
        var maskKeys: [RistrettoPoint] = []
        for (place, frame) in joins.enumerated() {
            guard frame.kind == .join, body.joins[place] == Hashing.blake2b256(frame.bytes),
                let join = try? SecureJoin(frame), join.round == round,
                join.manifestDigest == manifest.digest,
                keys.last.map({ $0 < join.member }) ?? true,
                let maskKey = RistrettoPoint(bytes: join.maskKey), frame.isSigned(by: join.member)
            else { throw .join(place + 1) }
            keys.append(join.member)
            maskKeys.append(maskKey)
        }
        guard keys.indices.contains(roster.sender - 1),
            roster.isSigned(by: keys[roster.sender - 1])
        else { throw .roster }
        return Group(
            id: SecureDerivation.groupID(
                rosterBytes: body.canonicalBytes(view: roster.view), networkKey: networkKey),
            keys: keys, maskKeys: maskKeys,
            thresholds: SecureThresholds(
                memberCount: keys.count, memberMinimum: body.memberMinimum),
            wordCount: body.format.wordCount)
    }

    /// What a threshold of members committed to, as the first reveal shows it.
    private func commit(in group: Group) throws(Failure) -> SecureCommit {
        guard let first = reveals.first, first.kind == .reveal,
            let body = try? SecureReveal(first)
        else { throw .certificate }
        let commit = body.commit
        let survivors = MemberSet(bits: commit.participants.bits | commit.dropped.bits)
        guard commit.participants.intersection(commit.dropped).isEmpty,
            survivors.isSubset(of: MemberSet(count: group.keys.count)),
            commit.participants.count >= group.thresholds.participantMinimum
        else { throw .certificate }
        var signers = MemberSet()
        for item in body.signatures {
            guard let key = group.key(of: item.member), survivors.contains(item.member),
                SecureFrame(
                    kind: .commit, group: group.id.bytes, sender: item.member, view: item.view,
                    body: commit.bytes, signature: item.signature
                ).isSigned(by: key)
            else { throw .certificate }
            signers.insert(item.member)
        }
        guard signers.count >= group.thresholds.threshold else { throw .certificate }
        return commit
    }

    private func checkSums(_ commit: SecureCommit, in group: Group) throws(Failure) {
        let shards = ShardMap(wordCount: group.wordCount, memberCount: group.keys.count)
        guard sumDigests.count == shards.shardCount, words.count == group.wordCount,
            SecureDerivation.sumDigest(sumDigests) == commit.sumDigest
        else { throw .sumDigests }
        for (shard, digest) in sumDigests.enumerated()
        where Hashing.blake2b256(littleEndianWords: words[shards.range(of: shard)]) != digest {
            throw .shard(shard)
        }
    }

    /// The secret of each survivor that the certificate asks for.
    private func secrets(
        _ commit: SecureCommit, in group: Group
    ) throws(Failure) -> [Int: SecretScalar] {
        let survivors = MemberSet(bits: commit.participants.bits | commit.dropped.bits).indices
        var commitments: [SecureCommitments] = []
        for (place, index) in survivors.enumerated() {
            guard deals.indices.contains(place), deals[place].kind == .deal,
                deals[place].sender == index, deals[place].group == group.id.bytes,
                let key = group.key(of: index), deals[place].isSigned(by: key),
                let deal = try? SecureDeal(deals[place]),
                let found = SecureCommitments(deal, maskKey: group.maskKeys[index - 1])
            else { throw .deal(index) }
            commitments.append(found)
        }
        let shares = try revealedShares(commit, survivors: survivors, in: group)
        let senders = reveals.map { UInt16($0.sender) }
        guard let interpolation = SecretInterpolation(indices: senders) else {
            throw .reveal(reveals[0].sender)
        }
        var secrets: [Int: SecretScalar] = [:]
        for (place, index) in survivors.enumerated() {
            let expected = commitments[place].opened(
                participates: commit.participants.contains(index)
            ).points.first
            guard let secret = interpolation.secret(of: shares.map { $0[place] }),
                secret.point == expected
            else { throw .secret(index) }
            secrets[index] = secret
        }
        return secrets
    }

    /// The shares of each reveal in order of the survivors.
    private func revealedShares(
        _ commit: SecureCommit, survivors: [Int], in group: Group
    ) throws(Failure) -> [[RistrettoScalar]] {
        var shares: [[RistrettoScalar]] = []
        var last = 0
        for frame in reveals {
            guard frame.kind == .reveal, frame.sender > last, survivors.contains(frame.sender),
                frame.group == group.id.bytes, let key = group.key(of: frame.sender),
                frame.isSigned(by: key), let body = try? SecureReveal(frame),
                body.commit == commit, body.shares.map(\.member) == survivors
            else { throw .reveal(frame.sender) }
            last = frame.sender
            let scalars = body.shares.compactMap { RistrettoScalar(bytes: $0.share) }
            guard scalars.count == survivors.count else { throw .reveal(frame.sender) }
            shares.append(scalars)
        }
        guard shares.count == group.thresholds.threshold else { throw .certificate }
        return shares
    }
}
