internal import Cryptography

/// M2 and M3: shares with commitments, and the survivors that follow from them.
extension SecureGroupRound {
    var dealDeadline: Timestamp { finalAt.adding(seconds: policy.timing.stepSeconds) }

    mutating func deal() {
        guard let secrets, let own = signerIndex, deals[own] == nil else { return }
        let threshold = group.thresholds.threshold
        let polynomials = secrets.polynomials(group: group.id, threshold: threshold)
        let points = polynomials[0].commitments.dropFirst() + polynomials[1].commitments
        let body = SecureDeal(points: points.map(\.bytes))
        guard let commitments = SecureCommitments(body, maskKey: group.joins[own - 1].maskKey),
            let frame = sign(.deal, body: body.bytes)
        else { preconditionFailure("own commitments are no points") }
        place(frame)
        deals[own] = DealState(hash: Self.dealHash(frame), commitments: commitments)
        shares[own] = SecretPolynomial.shares(of: polynomials, at: UInt16(own))
        send(frame.bytes, to: group.everyone)
        for other in group.everyone.indices where other != own {
            let plain = SecretPolynomial.shares(of: polynomials, at: UInt16(other))
            sendShare(plain, to: other, secrets: secrets)
        }
        progress += 1
    }

    private mutating func sendShare(
        _ plain: SecretBytes, to other: Int, secrets: RoundSecrets
    ) {
        // A member whose key is of small order gets no share and so drops out by itself.
        guard let own = signerIndex,
            let keys = try? secrets.exchange.sessionKeys(
                with: group.joins[other - 1].join.exchangeKey, isClient: own < other),
            let cipher = XChaChaPoly(key: keys.send)
        else { return }
        let nonce = secrets.nonce(group: group.id, to: other)
        let context = SecureDerivation.shareContext(group: group.id, from: own, to: other)
        guard let box = try? cipher.seal(plain, nonce: nonce, associatedData: context),
            let frame = sign(
                .share, body: SecureShare(recipient: other, nonce: nonce, box: box).bytes)
        else { return }
        sentShares[other] = frame
        send(frame.bytes, to: MemberSet([other]))
    }

    /// The short name of a deal: of everything that is signed.
    private static func dealHash(_ frame: SecureFrame) -> [UInt8] {
        Hashing.blake2b128(Array(frame.bytes.dropLast(SecureFrame.signatureByteCount)))
    }

    mutating func receivedDeal(_ frame: SecureFrame) throws(SecureRefusal) {
        let deal = try SecureDeal(frame)
        guard deal.points.count == 2 * group.thresholds.threshold - 1,
            let commitments = SecureCommitments(
                deal, maskKey: group.joins[frame.sender - 1].maskKey)
        else { throw .dealInvalid }
        deals[frame.sender] = DealState(hash: Self.dealHash(frame), commitments: commitments)
        // A share that does not fit is the share's fault, not this message's.
        try? openShare(of: frame.sender)
    }

    mutating func receivedShare(_ frame: SecureFrame) throws(SecureRefusal) {
        let share = try SecureShare(frame)
        guard let own = ownIndex, share.recipient == own else { throw .wrongSender }
        shareFrames[frame.sender] = frame
        try openShare(of: frame.sender)
    }

    /// Opens and checks a share once its deal is here too.
    private mutating func openShare(of dealer: Int) throws(SecureRefusal) {
        guard let own = signerIndex, let secrets, let deal = deals[dealer],
            let frame = shareFrames[dealer], shares[dealer] == nil
        else { return }
        let share = try SecureShare(frame)
        let context = SecureDerivation.shareContext(group: group.id, from: dealer, to: own)
        guard
            let keys = try? secrets.exchange.sessionKeys(
                with: group.joins[dealer - 1].join.exchangeKey, isClient: own < dealer),
            let plain = try? XChaChaPoly(key: keys.receive)?.openSecret(
                share.box, nonce: share.nonce, associatedData: context),
            plain.count == 64,
            deal.commitments.maskKey.isValidShare(in: plain, offset: 0, at: UInt16(own)),
            deal.commitments.selfKey.isValidShare(in: plain, offset: 32, at: UInt16(own))
        else { throw .shareInvalid }
        shares[dealer] = plain
        progress += 1
    }

    mutating func acknowledgeDeals() {
        guard let own = signerIndex, dealAcks[own] == nil, deals[own] != nil,
            shares.count == group.members.count || now >= dealDeadline
        else { return }
        let entries = shares.keys.sorted().compactMap { dealer in
            deals[dealer].map { DealList.Entry(dealer: dealer, hash: $0.hash) }
        }
        let list = DealList(entries: entries)
        dealAcks[own] = list
        broadcast(.dealAck, body: SecureDealAck(deals: list).bytes)
    }

    mutating func receivedDealAck(_ frame: SecureFrame) throws(SecureRefusal) {
        let list = try SecureDealAck(frame).deals
        guard list.dealers(memberCount: group.members.count) != nil else { throw .malformed }
        dealAcks[frame.sender] = list
    }

    /// When a proposer of that rank may list the survivors.
    private func survivorsTurn(rank: Int, patience: Double) -> Timestamp {
        dealDeadline.adding(
            seconds: Double(rank + 1) * policy.timing.fallbackSeconds * patience)
    }

    mutating func proposeSurvivors() {
        guard survivors == nil, let own = signerIndex,
            let rank = group.proposers.firstIndex(of: own)
        else { return }
        let isEarly = rank == 0 && dealAcks.count == group.members.count
        guard isEarly || now >= survivorsTurn(rank: rank, patience: 1) else { return }
        let set = mutuallyAcknowledged()
        guard set.count >= group.thresholds.participantMinimum, set.contains(own) else { return }
        let entries = set.indices.compactMap { dealer in
            deals[dealer].map { DealList.Entry(dealer: dealer, hash: $0.hash) }
        }
        let body = SecureSurvivors(deals: DealList(entries: entries)).bytes
        // One list for each view, and this node has one view.
        guard self.frame(.survivors, of: own, view: rank) == nil,
            let frame = sign(.survivors, view: rank, body: body)
        else { return }
        place(frame)
        adopt(survivors: frame, members: set)
        send(frame.bytes, to: group.everyone)
    }

    /// Drops the member with the most missing acknowledgements until none is missing.
    private func mutuallyAcknowledged() -> MemberSet {
        var set = MemberSet(dealAcks.keys.filter { deals[$0] != nil })
        while true {
            let members = set.indices
            var worst: (member: Int, missing: Int)?
            for member in members {
                let missing = members.count { other in
                    guard other != member else { return false }
                    let hears = dealAcks[member]?.hash(of: other) == deals[other]?.hash
                    let isHeard = dealAcks[other]?.hash(of: member) == deals[member]?.hash
                    return !(hears && isHeard)
                }
                if missing > (worst?.missing ?? 0) { worst = (member, missing) }
            }
            guard let worst else { return set }
            set.remove(worst.member)
        }
    }

    mutating func receivedSurvivors(_ frame: SecureFrame) throws(SecureRefusal) {
        let list = try SecureSurvivors(frame).deals
        guard let set = list.dealers(memberCount: group.members.count) else { throw .malformed }
        guard group.proposers.indices.contains(frame.view),
            group.proposers[frame.view] == frame.sender
        else { throw .notProposer }
        guard set.count >= group.thresholds.participantMinimum else { throw .survivorsInvalid }
        guard survivors == nil else { return }
        guard frame.view == 0 || now >= survivorsTurn(rank: frame.view, patience: 0.5) else {
            throw .tooEarly
        }
        for entry in list.entries {
            guard let deal = deals[entry.dealer] else { throw .tooEarly }
            guard deal.hash == entry.hash else { throw .survivorsInvalid }
            // A survivor's share that is missing here would be missing when it is needed.
            let isNeeded = signerIndex.map(set.contains) ?? false
            guard !isNeeded || shares[entry.dealer] != nil else { throw .tooEarly }
        }
        adopt(survivors: frame, members: set)
    }

    private mutating func adopt(survivors frame: SecureFrame, members: MemberSet) {
        survivors = SurvivorState(
            frame: frame, members: members,
            digest: SecureDerivation.survivorsDigest(
                group: group.id, view: frame.view, body: frame.body),
            adoptedAt: now)
        let among = members.indices.compactMap { index in
            group.key(of: index).map { (index: index, key: $0) }
        }
        let owners = (0..<group.shards.shardCount).compactMap {
            ShardMap.owner(of: $0, group: group.id, view: 0, among: among)
        }
        views[0] = ViewState(participants: members, owners: owners, since: now)
        viewEnteredAt = now
        progress += 1
    }
}
