internal import Cryptography

/// M7 to M9: one commit, shares against a certificate, the sum.
extension SecureGroupRound {
    /// Signs the one commit of the round.
    ///
    /// The record is durable before the message leaves; after a restart no instance of this round
    /// signs anything.
    mutating func commit() {
        guard let own = survivorIndex, let survivors, commits[own] == nil, certificate == nil,
            let state = currentView, state.isComplete, let digests = state.digests
        else { return }
        let dropped = survivors.members.subtracting(state.participants)
        guard state.participants.count >= group.thresholds.participantMinimum,
            state.participants.isSubset(of: survivors.members),
            state.participants.indices.allSatisfy({ maskCommits[$0] != nil })
        else { return }
        let body = SecureCommit(
            participants: state.participants, dropped: dropped,
            sumDigest: SecureDerivation.sumDigest(digests))
        guard let frame = sign(.commit, view: view, body: body.bytes) else { return }
        emit(
            .persist(
                key: SecureRecords.commit(policy.round),
                value: Hashing.blake2b256(frame.bytes).bytes))
        place(frame)
        keep(frame, body)
        send(frame.bytes, to: group.everyone)
    }

    private mutating func keep(_ frame: SecureFrame, _ body: SecureCommit) {
        commits[frame.sender] = CommitState(view: frame.view, commit: body, frame: frame)
        if firstCommitAt == nil { firstCommitAt = now }
        progress += 1
    }

    /// What every commit must say, whoever signs it: the participants and the dropped part the
    /// survivors, so that of nobody both secrets can be asked for.
    private func check(
        _ commit: SecureCommit, survivors: SurvivorState
    ) throws(SecureRefusal) {
        guard commit.participants.intersection(commit.dropped).isEmpty,
            commit.participants.bits | commit.dropped.bits == survivors.members.bits
        else { throw .setsOverlap }
        guard commit.participants.count >= group.thresholds.participantMinimum else {
            throw .participantsTooFew
        }
    }

    mutating func receivedCommit(_ frame: SecureFrame) throws(SecureRefusal) {
        let body = try SecureCommit(frame)
        guard let survivors else { throw .tooEarly }
        guard survivors.members.contains(frame.sender) else { throw .setInvalid }
        try check(body, survivors: survivors)
        keep(frame, body)
    }

    /// A threshold of equal commits, in whatever views: the same participants and the same sums
    /// open the same, and each member signs once.
    mutating func certify() {
        guard certificate == nil else { return }
        for candidate in commits.values {
            let equal = commits.filter { $0.value.commit == candidate.commit }
            guard equal.count >= group.thresholds.threshold else { continue }
            let lowest = equal.values.map(\.view).min() ?? candidate.view
            certificate = CertificateState(
                view: lowest, commit: candidate.commit,
                signatures: equal.sorted { $0.key < $1.key }
                    .map {
                        .init(
                            member: $0.key, view: $0.value.view,
                            signature: $0.value.frame.signature)
                    },
                since: now)
            view = lowest
            progress += 1
            return
        }
    }

    /// Reveals against the certificate: of a participant the share of its own mask's secret, of
    /// one that dropped out the share of its pair masks', never both.
    mutating func reveal() {
        guard let certificate, let own = survivorIndex, let survivors, !hasRevealed else { return }
        var revealed: [SecureReveal.Share] = []
        for member in survivors.members.indices {
            guard let pair = shares[member] else { return }
            let participates = certificate.commit.participants.contains(member)
            revealed.append(
                .init(
                    member: member,
                    share: pair.slice(at: participates ? 32 : 0, count: 32).copyBytes()))
        }
        let body = SecureReveal(
            commit: certificate.commit, signatures: certificate.signatures, shares: revealed)
        hasRevealed = true
        reveals[own] = body
        broadcast(.reveal, view: certificate.view, body: body.bytes)
    }

    mutating func receivedReveal(_ frame: SecureFrame) throws(SecureRefusal) {
        let body = try SecureReveal(frame)
        guard let survivors else { throw .tooEarly }
        guard survivors.members.contains(frame.sender) else { throw .setInvalid }
        try check(body.commit, survivors: survivors)
        try takeCertificate(of: body, survivors: survivors)
        guard body.shares.map(\.member) == survivors.members.indices else {
            throw .revealInvalid
        }
        reveals[frame.sender] = body
    }

    /// Checks the commits that a reveal carries, and keeps them as if they had come alone.
    private mutating func takeCertificate(
        of reveal: SecureReveal, survivors: SurvivorState
    ) throws(SecureRefusal) {
        var found: [SecureFrame] = []
        var last = 0
        for item in reveal.signatures {
            guard item.member > last, survivors.members.contains(item.member),
                let key = group.key(of: item.member)
            else { throw .certificateInvalid }
            last = item.member
            let frame = SecureFrame(
                kind: .commit, group: group.id.bytes, sender: item.member, view: item.view,
                body: reveal.commit.bytes, signature: item.signature)
            let isKnown = commits[item.member]?.frame == frame
            guard isKnown || frame.isSigned(by: key) else { throw .certificateInvalid }
            found.append(frame)
        }
        guard found.count >= group.thresholds.threshold else { throw .certificateInvalid }
        for frame in found {
            if let known = self.frame(.commit, of: frame.sender) {
                guard !known.saysSame(as: frame) else { continue }
                convict(frame.sender, known, frame)
            } else {
                place(frame)
                keep(frame, reveal.commit)
            }
        }
        if let certificate {
            guard certificate.commit == reveal.commit else { throw .certificateInvalid }
        }
    }

    /// Rebuilds the secrets that the certificate asks for and takes the masks off the sum.
    mutating func open() {
        guard sum == nil, survivorIndex != nil, let survivors, let certificate,
            let state = openableView(certificate)
        else { return }
        guard let secrets = rebuild(survivors.members, certificate) else { return }
        let participants = certificate.commit.participants
        guard
            let masks = try? VectorMasking.openingMasks(
                participants: participants,
                selfKeys: secrets.filter { participants.contains($0.key) },
                dropped: secrets.filter { !participants.contains($0.key) },
                keys: group.joins.map(\.maskKey), group: group.id)
        else { return }
        var words: [UInt32] = []
        words.reserveCapacity(policy.format.wordCount)
        for shard in state.owners.indices { words += state.sums[shard] ?? [] }
        let transcript = transcript(
            of: words, digests: state.digests ?? [], survivors: survivors.members)
        MaskGenerator.apply(masks, to: &words)
        let digest = Hashing.blake2b256(littleEndianWords: words[...])
        let weight = words.removeLast()
        openedAt = now
        wipe()
        progress += 1
        let opened = SecureSum(
            participants: group.keys(of: participants), words: words, weight: weight,
            digest: digest)
        sum = opened
        sumIsOutOfBounds = !isPlausible(opened)
        guard !sumIsOutOfBounds else { return }
        emit(.transcript(transcript))
        emit(.opened(opened))
    }

    /// What the sum was opened from; the reveals are those that gave the secrets.
    private func transcript(
        of words: [UInt32], digests: [Digest], survivors: MemberSet
    ) -> SecureTranscript {
        SecureTranscript(
            roster: group.frame, joins: group.joins.map(\.frame),
            deals: survivors.indices.compactMap { frame(.deal, of: $0) },
            reveals: reveals.keys.sorted().prefix(group.thresholds.threshold).compactMap {
                frame(.reveal, of: $0)
            },
            sumDigests: digests, words: words)
    }

    /// A view of which every sum is here and is what the certificate names.
    private func openableView(_ certificate: CertificateState) -> ViewState? {
        views.sorted { $0.key < $1.key }.map(\.value).first { state in
            guard state.isComplete, let digests = state.digests else { return false }
            return SecureDerivation.sumDigest(digests) == certificate.commit.sumDigest
                && state.participants == certificate.commit.participants
        }
    }

    /// Whether honest members can have put in what came out.
    private func isPlausible(_ sum: SecureSum) -> Bool {
        let count = sum.participants.count
        guard (count...(count * policy.format.weightUnit)).contains(Int(sum.weight)) else {
            return false
        }
        // Each member's magnitude is rounded up, so up to one more for each.
        let bound = policy.format.wordMagnitudeMax(weight: Int(sum.weight)) + Int64(count)
        return sum.words.allSatisfy { abs(Int64(Int32(bitPattern: $0))) <= bound }
    }

    /// The secret of every survivor that is to be opened; `nil` until enough reveals hold.
    ///
    /// The rebuilt secret is checked first, and single shares only where that fails.
    private mutating func rebuild(
        _ members: MemberSet, _ certificate: CertificateState
    ) -> [Int: SecretScalar]? {
        let threshold = group.thresholds.threshold
        while reveals.count >= threshold {
            let senders = Array(reveals.keys.sorted().prefix(threshold))
            var secrets: [Int: SecretScalar] = [:]
            var suspect: Int?
            guard let interpolation = SecretInterpolation(indices: senders.map(UInt16.init)) else {
                return nil
            }
            for (place, member) in members.indices.enumerated() {
                let scalars = senders.compactMap { sender in
                    reveals[sender].flatMap { RistrettoScalar(bytes: $0.shares[place].share) }
                }
                let expected = deals[member]?.commitments
                    .opened(participates: certificate.commit.participants.contains(member))
                    .points[0]
                guard scalars.count == threshold, let secret = interpolation.secret(of: scalars),
                    secret.point == expected
                else {
                    suspect = place
                    break
                }
                secrets[member] = secret
            }
            guard let suspect else { return secrets }
            let convicted = removeFalseReveals(at: suspect, members, certificate)
            guard convicted > 0 else { return nil }
        }
        return nil
    }

    /// Checks every share of one secret and drops the reveals that hold a false one.
    private mutating func removeFalseReveals(
        at place: Int, _ members: MemberSet, _ certificate: CertificateState
    ) -> Int {
        let dealer = members.indices[place]
        guard
            let commitments = deals[dealer]?.commitments
                .opened(participates: certificate.commit.participants.contains(dealer))
        else { return 0 }
        var count = 0
        for (sender, reveal) in reveals.sorted(by: { $0.key < $1.key }) {
            if let share = RistrettoScalar(bytes: reveal.shares[place].share),
                commitments.isValidShare(share, at: UInt16(sender))
            {
                continue
            }
            reveals[sender] = nil
            count += 1
            reportFalseShare(of: dealer, by: sender)
        }
        return count
    }

    private mutating func reportFalseShare(of dealer: Int, by sender: Int) {
        guard let member = group.key(of: sender), let dealerKey = group.key(of: dealer),
            let reveal = frame(.reveal, of: sender), let deal = frame(.deal, of: dealer)
        else { return }
        convicted.insert(sender)
        emit(
            .evidence(
                .falseShare(
                    .init(
                        member: member, dealer: dealerKey, reveal: reveal.bytes,
                        deal: deal.bytes, dealerJoin: group.joins[dealer - 1].frame.bytes,
                        roster: group.frame.bytes))))
    }
}
