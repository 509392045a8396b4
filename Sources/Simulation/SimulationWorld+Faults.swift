internal import Cryptography
internal import Federation

/// Starts, crashes and connections.
extension SimulationWorld {
    mutating func start(_ node: Int) throws(SimulationFailure) {
        guard nodes[node].instance == nil, !nodes[node].isGone else { return }
        if nodes[node].life == 0 {
            // Every node can draw the first adapter; it lies in the store before the start.
            nodes[node].store.objects[manifest.manifest.initialAdapterDigest] = initialAdapter
        }
        let restored = RestoredState(
            manifest: manifest, entries: nodes[node].store.entries,
            records: nodes[node].store.records)
        do throws(RestoreError) {
            nodes[node].instance = try PeerInstance(
                restored: restored, baseModelDigest: manifest.manifest.baseModelDigest,
                signer: nodes[node].key, secureSetup: secureSetup(node), now: now)
        } catch {
            throw .notRestorable(node: node, error)
        }
        nodes[node].life += 1
        nodes[node].isFinished = false
        note("start", node)
        let life = nodes[node].life
        queue.insert(
            .tick(node: node, life: life), at: milliseconds + generator.number(in: 1...250))
        try tell(node, .started)
        try checkConnections()
    }

    /// Whether the node dies before that directive.
    mutating func crashes(_ node: Int, before directive: Directive) -> Bool {
        let count = nodes[node].directiveCount
        if scenario.kills.contains(where: { $0.node == node && $0.afterDirectives == count }) {
            return true
        }
        if scenario.killsProposers, case .send(_, let bytes) = directive,
            WireInspection.kind(of: bytes) == "propose"
        {
            let height = UInt64(nodes[node].store.entries.count) + 1
            // With three members one dead one is all that a quorum can spare.
            let others = nodes.count { $0.instance != nil }
            if others == nodes.count, killedHeights.insert(height).inserted { return true }
        }
        if frameKill(of: node, before: directive) != nil { return true }
        return generator.chance(scenario.crashRate)
    }

    mutating func crash(_ node: Int, before directive: Directive) {
        crashCount += 1
        note("crash", node)
        nodes[node].instance = nil
        nodes[node].training = nil
        let peers = nodes[node].connections
        nodes[node].connections = []
        for peer in peers.sorted() { nodes[peer].connections.remove(node) }
        queue.insert(.checkConnections, at: milliseconds + 1)
        let kill = scenario.kills.first {
            $0.node == node && $0.afterDirectives == nodes[node].directiveCount
        }
        let frameKill = frameKill(of: node, before: directive)
        if let frameKill { doneFrameKills.insert(frameKill) }
        // The point is passed: the next life does not die there again.
        nodes[node].directiveCount += 1
        if kill != nil || frameKill != nil {
            guard let seconds = kill?.restartSeconds ?? frameKill?.restartSeconds else {
                nodes[node].isGone = true
                return
            }
            queue.insert(.start(node: node), at: milliseconds + UInt64(seconds * 1000))
        } else {
            let span = generator.number(in: scenario.restartMilliseconds)
            queue.insert(.start(node: node), at: milliseconds + span)
        }
    }

    /// Whether bytes can pass between two nodes now.
    func canReach(_ left: Int, _ right: Int) -> Bool {
        guard nodes[left].instance != nil, nodes[right].instance != nil else { return false }
        guard !scenario.brokenLinks.contains([min(left, right), max(left, right)]) else {
            return false
        }
        let seconds = Double(milliseconds) / 1000
        return scenario.partitions.allSatisfy { partition in
            seconds < partition.startSeconds || seconds >= partition.endSeconds
                || partition.side.contains(left) == partition.side.contains(right)
        }
    }

    /// Tells nodes of connections that are gone and sets up those that are possible.
    mutating func checkConnections() throws(SimulationFailure) {
        for left in nodes.indices {
            for right in nodes.indices where right > left {
                if canReach(left, right) {
                    if !nodes[left].connections.contains(right) {
                        let delay = generator.number(in: 10...200)
                        queue.insert(.connect(left, right), at: milliseconds + delay)
                    }
                } else {
                    try disconnect(left, right)
                    try disconnect(right, left)
                }
            }
        }
    }

    mutating func connect(_ left: Int, _ right: Int) throws(SimulationFailure) {
        guard canReach(left, right), !nodes[left].connections.contains(right) else { return }
        nodes[left].connections.insert(right)
        nodes[right].connections.insert(left)
        try tell(left, .connected(nodes[right].key.publicKey))
        try tell(right, .connected(nodes[left].key.publicKey))
    }

    /// A dead peer's connection breaks only for those that had it; the instance tells apart.
    private mutating func disconnect(_ node: Int, _ peer: Int) throws(SimulationFailure) {
        nodes[node].connections.remove(peer)
        guard nodes[node].instance != nil else { return }
        try tell(node, .disconnected(nodes[peer].key.publicKey))
    }
}
