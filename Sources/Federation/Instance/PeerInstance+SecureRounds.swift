internal import Cryptography

/// The secure round of a height: a ``SecureGroupInstance`` of its own, fed and obeyed.
///
/// What it opens becomes the next adapter at once, and agreement then decides as it does of plain
/// rounds; see PeerInstance+SecureAgreement.swift.
extension PeerInstance {
    /// Whether updates stay hidden in this federation.
    var isSecure: Bool { manifest.manifest.secure != nil }

    /// Takes every step of the secure round that is possible now.
    mutating func runSecureRound() {
        guard isSecure else { return }
        waitForMembers()
        startSecureRound()
        contribute()
        if isGrouped {
            publishGroupSum()
        } else {
            aggregateSum()
            concede()
        }
    }

    // MARK: The round

    /// Gives a round up that too few members are there for, so that those who are gone for good
    /// come to leave and others can take their place.
    private mutating func waitForMembers() {
        guard let settings = manifest.manifest.secure, current.round != nil, isMember,
            current.decided == nil, current.secure.instance == nil, current.secure.held == nil,
            !current.secure.isLost, adoptedHeight == chain.height,
            current.announcements[own] == nil, reachableMembers.count >= current.quorum,
            secureCandidates.count(where: isReachable) < settings.memberMinimum
        else {
            current.secure.shortSince = nil
            return
        }
        let since = current.secure.shortSince ?? now
        current.secure.shortSince = since
        if now.seconds(since: since) >= SecureHeight.patienceSeconds {
            current.secure.isLost = true
            nextStatusAt = now
        }
    }

    /// Starts the round, or as a helper after a restart, once enough members can be reached that
    /// it may come to something: a round that ends without a sum is spent.
    private mutating func startSecureRound() {
        guard let settings = manifest.manifest.secure, let setup = secureSetup,
            let round = current.round, isMember, !isLeaving, adoptedHeight == chain.height,
            current.decided == nil, current.secure.instance == nil, current.secure.held == nil,
            !current.secure.isLost, current.announcements[own] == nil,
            secureCandidates.count(where: isReachable) >= settings.memberMinimum
        else { return }
        let layout = AggregationRound(manifest: manifest, layout: setup.layout, round: round)
            .secureVector
        do throws(SecurePolicyError) {
            var policy = try SecurePolicy(
                manifestDigest: manifest.digest, round: round, baseDigest: secureBaseDigest,
                schemaDigest: setup.schemaDigest, format: layout.format,
                candidates: secureCandidates, beacon: chain.headDigest,
                memberMinimum: settings.memberMinimum, networkKey: setup.networkKey,
                startedAtSeconds: setup.zeroSeconds + now.milliseconds / 1000,
                timing: secureTiming(setup.timing, elementCount: layout.elementCount))
            restrict(&policy)
            current.secure.instance = SecureGroupInstance(
                policy: policy, signer: signer, secrets: setup.makeSecrets(round),
                records: secureRecords, now: now)
        } catch {
            // The manifest fits the protocol's bounds, but not with an adapter of this size.
            current.secure.isLost = true
            return
        }
        tellSecureRound(.started)
    }

    /// The base model and the adapter that the round starts from.
    private var secureBaseDigest: Digest {
        var writer = CanonicalWriter(domain: "starling/secure-base/1")
        writer.write(raw: baseModelDigest.bytes)
        writer.write(raw: chain.adapterDigest.bytes)
        return Hashing.blake2b256(writer.bytes)
    }

    private func secureTiming(_ base: SecureTiming, elementCount: Int) -> SecureTiming {
        var timing = base
        timing.contributionSeconds = max(0, updateDeadline.seconds(since: now))
        timing.dataSeconds = max(base.dataSeconds, 3 * 4 * Double(elementCount) / slowestRate)
        timing.certificateSeconds = max(base.certificateSeconds, 6 * timing.dataSeconds)
        return timing
    }

    /// Lets the round know that time has passed, and until when to wait for updates.
    mutating func tickSecureRound() {
        guard current.secure.instance != nil else { return }
        tellSecureRound(.contributionsDue(at: updateDeadline))
        tellSecureRound(.tick)
    }

    mutating func receivedFrame(_ bytes: [UInt8], from peer: PublicKey) {
        guard peers[peer]?.isUsable == true else { return }
        peers[peer]?.lastHeardAt = now
        guard chain.isMember(peer) else { return }
        tellSecureRound(.received(from: peer, bytes: bytes))
    }

    /// Tells this node's group of a round of groups.
    mutating func tellGroup(_ event: SecureEvent) { tellSecureRound(event) }

    private mutating func tellSecureRound(_ event: SecureEvent) {
        guard let directives = current.secure.instance?.handle(event, now: now) else { return }
        for directive in directives { carryOut(directive) }
    }

    private mutating func carryOut(_ directive: SecureDirective) {
        switch directive {
        case .persist(let key, let value):
            secureRecords[key] = value
            emit(.persist(key: key, value: value))
            // What may have left under masks is never contributed again.
            if let round = current.round,
                SecureRecords.isUpdateSpent(round: round, in: secureRecords)
            {
                secureContribution = nil
            }
        case .send(let receivers, let bytes):
            let connected = receivers.filter { peers[$0]?.isUsable == true }
            if !connected.isEmpty { emit(.sendFrame(to: connected, bytes: bytes)) }
        case .transcript(let transcript):
            let bytes = transcript.bytes
            current.secure.transcript = bytes
            current.secure.transcriptID = ContentAddress.id(of: bytes)
        case .opened(let sum): current.secure.sum = sum
        case .evidence(let evidence): report(evidence)
        case .ended(let end): secureRoundEnded(end)
        case .warnSmallGroup, .refused, .certified: break
        }
    }

    private mutating func secureRoundEnded(_ end: SecureEnd) {
        if current.secure.sum == nil, current.secure.held == nil,
            current.announcements[own] == nil
        {
            current.secure.isLost = true
        }
        guard let round = current.round, end.reason != .certified else { return }
        emit(.notify(.secureRoundEnded(round: round, end)))
    }

    private mutating func report(_ evidence: SecureEvidence) {
        emit(.notify(.secureEvidence(evidence.member)))
        guard case .equivocation(let member, let first, let second) = evidence else {
            if let round = current.round, evidence.bytes.count <= SecureEvidence.byteCountMax {
                emit(.appendLog(.secureConviction(evidence, round: round)))
            }
            return
        }
        reportEquivocation(
            .secureFrame, of: member, height: current.height,
            first: SecureFrame.domainBytes + first, second: SecureFrame.domainBytes + second)
    }

    // MARK: The own update

    /// Whether an update of this node can still get into the round.
    var wantsContribution: Bool {
        let secure = current.secure
        if secure.isLost || secure.held != nil || secure.hasContributed { return false }
        if let contribution = secureContribution,
            contribution.baseAdapterDigest == chain.adapterDigest
        {
            return false
        }
        guard let instance = secure.instance else {
            return current.round.map {
                !SecureRecords.hasTakenPart(round: $0, in: secureRecords)
            } ?? false
        }
        return !instance.isHelper && !instance.isOver
    }

    /// Training gave an update.
    ///
    /// It waits here until a round takes it, also the next one where nothing of it has left in
    /// this one and the adapter is still the one that it was trained from.
    mutating func contributionReady(round: UInt64, _ contribution: SecureContribution) {
        if training?.round == round { training = nil }
        guard isSecure, contribution.baseAdapterDigest == chain.adapterDigest,
            !current.secure.hasContributed
        else { return }
        secureContribution = contribution
    }

    private mutating func contribute() {
        guard let contribution = secureContribution, let instance = current.secure.instance,
            !current.secure.hasContributed, !instance.isHelper, !instance.isOver
        else { return }
        guard contribution.baseAdapterDigest == chain.adapterDigest else {
            secureContribution = nil
            return
        }
        current.secure.hasContributed = true
        tellSecureRound(
            .contribution(words: contribution.words, weight: contribution.weight))
    }

    // MARK: The sum

    /// Has the next adapter made of the sum.
    private mutating func aggregateSum() {
        guard let sum = current.secure.sum, let round = current.round,
            !current.secure.isAggregating, current.secure.retryAt.map({ now >= $0 }) ?? true
        else { return }
        current.secure.isAggregating = true
        emit(
            .aggregateSum(
                SumOrder(
                    height: current.height, round: round, baseAdapterDigest: chain.adapterDigest,
                    sum: sum, transcript: current.secure.transcript)))
    }

    /// The adapter is made of the sum and durable.
    ///
    /// This node may say so from here on, also after a restart.
    mutating func sumAggregated(_ outcome: AggregateOutcome) {
        guard let sum = current.secure.sum, let round = current.round,
            let members = current.secure.instance?.members
        else { return }
        let held = SecureHeight.Held(
            summary: SecureSummary(
                memberCount: members.count, participants: sum.participants, weight: sum.weight,
                totalDigest: sum.digest),
            outcome: outcome)
        current.secure.sum = nil
        current.secure.isAggregating = false
        current.secure.held = held
        current.secure.heldAt = now
        emit(.persist(key: DurableRecord.secureSum, value: held.bytes(round: round)))
        if let transcript = current.secure.transcriptID {
            emit(
                .appendLog(
                    .secureSumOpened(
                        round: round, totalDigest: sum.digest, transcript: transcript)))
        }
        current.secure.transcript = nil
        emit(
            .notify(
                .secureSumOpened(
                    round: round, participantCount: sum.participants.count,
                    memberCount: members.count)))
        // The others learn of it with this step, not a heartbeat later.
        nextStatusAt = now
        tellSecureRound(.adapterReady(outcome.adapterDigest))
    }

    mutating func sumAggregationFailed() {
        current.secure.isAggregating = false
        current.secure.retryAt = now.adding(seconds: 2)
    }

    /// The sum is not what members within their bounds can have put in.
    ///
    /// All who opened it see that, and none makes an adapter of it.
    mutating func sumRefused(height: UInt64, _ reason: RejectReason) {
        guard height == current.height, current.secure.sum != nil else { return }
        current.secure.sum = nil
        current.secure.isAggregating = false
        current.secure.isLost = true
        nextStatusAt = now
        if let round = current.round { emit(.notify(.secureSumRefused(round: round, reason))) }
    }
}
