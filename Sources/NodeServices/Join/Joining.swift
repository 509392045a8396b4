internal import Cryptography
internal import Federation
internal import Foundation
internal import LibP2P
internal import Logging
internal import NIOPosix
internal import Transports

/// The way into a federation: the manifest and the base model, from the home or from a member.
struct Joining {
    let options: NodeOptions
    let identity: SigningKey
    let store: NodeStore
    let group: MultiThreadedEventLoopGroup

    /// How long a member may take to answer with the manifest.
    static let answerDeadline = Duration.seconds(20)

    /// The manifest that this home follows, or that of the member that the join line names.
    ///
    /// - Throws: ``NodeError``: `refused` when the member follows another manifest than the home,
    ///   `network` when nobody answers and there is none in the home.
    func manifest() async throws(NodeError) -> SignedManifest {
        let stored = try await store.manifest()
        guard let join = options.join else {
            guard let stored else {
                throw NodeError(
                    .notFound,
                    """
                    \(options.home.folder.path) follows no federation yet; make one with \
                    'starling init', or name a member with --join or 'starling peers add'.
                    """
                )
            }
            return stored
        }
        let offered: SignedManifest
        do {
            offered = try await ask(join)
        } catch {
            guard let stored, error.code != .refused || stored.manifest.admission == nil else {
                throw error
            }
            options.logger.warning(
                "the member of the join line doesn't answer", metadata: ["reason": "\(error)"]
            )
            return stored
        }
        guard let stored else {
            try await store.setManifest(offered)
            return offered
        }
        guard stored.digest == offered.digest else {
            throw NodeError(
                .refused,
                """
                The peer follows another manifest, '\(offered.manifest.name)' \
                (\(offered.digest)); this home follows '\(stored.manifest.name)' \
                (\(stored.digest)). Name another folder with --home to join it.
                """
            )
        }
        return stored
    }

    /// What the base model of a manifest consists of, without its shards.
    ///
    /// - Throws: ``NodeError``: `refused` when the checkpoint is another model than the manifest's.
    func record(
        of manifest: SignedManifest, in library: ModelLibrary
    ) async throws(NodeError) -> ModelRecord {
        let wanted = manifest.manifest.baseModelDigest
        if let record = try await library.record(wanted) { return record }
        guard let join = options.join else {
            return try await baseModel(of: manifest, in: library).record
        }
        let swarm = try factory.joiningSwarm()
        return try await using(swarm, dialling: join) { (peer) throws(NodeError) in
            if manifest.manifest.admission != nil { try await introduce(swarm, to: peer) }
            let fetcher = ObjectFetcher(store: store, streams: swarm, logger: options.logger)
            return try await library.fetchRecord(wanted, with: fetcher, from: [peer])
        }
    }

    /// The base model of a manifest: from the store, a checkpoint, or the member.
    ///
    /// - Throws: ``NodeError``: `refused` when the checkpoint is another model than the manifest's.
    func baseModel(
        of manifest: SignedManifest, in library: ModelLibrary
    ) async throws(NodeError) -> StoredModel {
        let wanted = manifest.manifest.baseModelDigest
        let name = manifest.manifest.baseModelName
        let report = options.report
        if let path = options.modelPath {
            let found = try await library.importModel(path: path) { done, total in
                report(.preparingModel(name: path, doneByteCount: done, totalByteCount: total))
            }
            guard found == wanted else {
                throw NodeError(
                    .refused,
                    "\(path) is the base model \(found), the manifest asks for \(wanted) (\(name))."
                )
            }
        }
        do {
            return try await library.open(wanted)
        } catch {
            guard error.code == .notFound, let join = options.join else { throw error }
            let swarm = try factory.joiningSwarm()
            try await using(swarm, dialling: join) { (peer) throws(NodeError) in
                if manifest.manifest.admission != nil { try await introduce(swarm, to: peer) }
                let fetcher = ObjectFetcher(
                    store: store, streams: swarm, logger: options.logger
                )
                try await library.fetch(
                    wanted, named: name, with: fetcher, from: [peer]
                ) { done, total in
                    report(
                        .preparingModel(name: name, doneByteCount: done, totalByteCount: total)
                    )
                }
            }
            return try await library.open(wanted)
        }
    }

    private func ask(_ address: Multiaddr) async throws(NodeError) -> SignedManifest {
        if let manifest = try await manifestAsMember(at: address) { return manifest }
        if let manifest = try await openManifest(at: address) { return manifest }
        // Members only; an issuer's node is one without a certificate.
        return try await manifest(showing: nil, at: address)
    }

    /// The manifest of a member of an open federation; nil if the member asks for a certificate.
    private func openManifest(
        at address: Multiaddr
    ) async throws(NodeError) -> SignedManifest? {
        // The answer comes on a stream of the member's own.
        let (answers, sink) = AsyncStream.makeStream(
            of: (PublicKey, [UInt8]).self, bufferingPolicy: .bufferingOldest(64)
        )
        let swarm = try factory.joiningSwarm()
        let messenger = GroupMessenger(swarm: swarm, logger: options.logger)
        messenger.register { from, bytes in sink.yield((from, bytes)) }
        return try await using(swarm, dialling: address) {
            (peer) throws(NodeError) -> SignedManifest? in
            guard let key = peer.publicKey else {
                throw NodeError(.network, "The peer \(peer) has no Ed25519 key.")
            }
            let messages = messenger.connected(peer)
            let delivery = Task { await messenger.deliver(messages, to: peer) }
            let deadline = Task {
                try? await Task.sleep(for: Self.answerDeadline)
                sink.finish()
            }
            defer {
                delivery.cancel()
                deadline.cancel()
                messenger.finish()
            }
            messenger.send(ManifestExchange.request, to: [key])
            for await (from, answer) in answers where from == key {
                if let reason = ManifestExchange.refusal(in: answer) {
                    guard reason != .membershipMissing else { return nil }
                    throw NodeError(
                        .refused, "The peer \(peer) doesn't admit this node: \(reason.sentence)")
                }
                do {
                    if let manifest = try ManifestExchange.signedManifest(in: answer) {
                        return manifest
                    }
                } catch {
                    throw NodeError(
                        .refused, "The manifest of peer \(peer) doesn't hold.", cause: error
                    )
                }
            }
            throw NodeError(
                .network,
                "The peer \(peer) gave no manifest; is it a running starling of this version?"
            )
        }
    }

    var factory: SwarmFactory {
        SwarmFactory(options: options, identity: identity, group: group)
    }

    /// Runs `body` with a connection that is closed afterwards.
    func using<Result>(
        _ swarm: Swarm, dialling address: Multiaddr,
        _ body: (PeerID) async throws(NodeError) -> Result
    ) async throws(NodeError) -> Result {
        let peer: PeerID
        do {
            _ = try await swarm.start()
            peer = try await swarm.dial(address)
        } catch {
            await swarm.shutdown()
            throw NodeError(
                .network,
                "Nobody answers at \(address); check the join line and that the port is open.",
                cause: error
            )
        }
        let result: Swift.Result<Result, NodeError>
        do {
            result = .success(try await body(peer))
        } catch {
            result = .failure(error)
        }
        await swarm.shutdown()
        return try result.get()
    }
}
