internal import Cryptography

/// Connections, greetings and heartbeats.
extension PeerInstance {
    mutating func connected(_ peer: PublicKey) {
        guard peer != own else {
            emit(.refuse(peer, .duplicateIdentity))
            emit(.notify(.duplicateIdentity))
            return
        }
        guard peers[peer] != nil || peers.count < Limits.peerCount else {
            emit(.refuse(peer, .tooMany))
            return
        }
        peers[peer] = PeerState(lastHeardAt: now, isAdmitted: admission.isOpen)
        greet(peer)
        if admission.isOpen { welcome(peer) }
    }

    mutating func receivedHello(_ hello: Hello, from peer: PublicKey) throws(RejectReason) {
        try hello.check(manifest: manifest.digest, baseModel: baseModelDigest, sender: peer)
        try admit(hello, from: peer)
        askForChain(peer, theirHeight: hello.height)
    }

    /// Refuses a peer until it connects anew, and tells it why.
    mutating func refuse(_ peer: PublicKey, _ reason: RejectReason) {
        peers[peer]?.isRefused = true
        let key = RefusalKey(member: peer, reason: reason)
        if reportedRefusals.count < Limits.reportCount, reportedRefusals.insert(key).inserted {
            emit(.appendLog(.peerRefused(member: peer, reason)))
        }
        tellWhy(reason, to: peer)
        emit(.refuse(peer, reason))
    }

    /// The heartbeat: position, measurements, and by its masks what this node lacks.
    mutating func sendStatus(to receivers: [PublicKey]) {
        var status = StatusReport(height: chain.height, headDigest: chain.headDigest)
        let view = current.view
        status.view = view
        status.holdsProposal = current.accepted != nil
        status.isDecided = current.decided != nil
        status.isLeaving = isLeaving
        status.isFinished = chain.isFinished && adoptedHeight == chain.height
        status.holdsAdapter = holdsAdapter
        status.announcements = current.mask { current.announcements[$0] != nil }
        if agreesOnSum { status.announcements = current.mask { isHolder($0) } }
        status.viewChanges = current.mask { (current.viewChanges[$0]?.view ?? 0) >= view }
        status.commits = current.mask { current.commit(of: $0, view: view) != nil }
        status.results = current.mask { current.results[$0] != nil }
        status.secondsPerStep = secondsPerStep
        status.bytesPerSecond = bytesPerSecond
        status.secondsInHeight = current.seconds(at: now)
        status.abstention =
            (isGrouped ? hasLostGroup : isSecure && current.secure.standing == .lost)
            ? .roundLost : current.ownAbstention
        send(.status(status), to: receivers.filter { peers[$0]?.isUsable == true })
    }

    mutating func receivedStatus(_ status: StatusReport, from peer: PublicKey) {
        peers[peer]?.status = status
        if chain.isMember(peer) {
            measured[peer] = Measured(
                secondsPerStep: status.secondsPerStep, bytesPerSecond: status.bytesPerSecond)
            if status.height == chain.height, status.headDigest == chain.headDigest {
                current.noteBeginning(status.secondsInHeight, of: peer, now: now)
            }
            if status.isFinished, status.height == chain.height { finishedPeers.insert(peer) }
        }
        if !status.isLeaving { pendingLeaves[peer] = nil }
        askForChain(peer, theirHeight: status.height)
        supplyMissing(to: peer, status)
    }
}
