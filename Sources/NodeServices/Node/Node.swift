internal import Checkpoints
internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Storage
internal import Synchronization
internal import Tensors
internal import Training
internal import Transports

/// A node: opens its home, joins its federation, and runs until the federation is finished or
/// somebody stops it.
public final class Node: Sendable {
    /// How a run ended.
    public enum Ending: Sendable {
        /// All rounds are certified.
        case finished
        /// Somebody asked for it.
        case stopped
    }

    private struct Running {
        var service: FederationService?
        var isStopping = false
    }

    private let options: NodeOptions
    private let running = Mutex(Running())

    /// Makes a node that does nothing before ``run()``.
    public init(options: NodeOptions) {
        self.options = options
    }

    /// Asks a running node to end after its step.
    public func stop() {
        let service = running.withLock { running in
            running.isStopping = true
            return running.service
        }
        service?.stop()
    }

    /// Runs the node.
    ///
    /// - Throws: ``NodeError`` that says what can't be done and how to mend it.
    public func run() async throws(NodeError) -> Ending {
        try options.home.create()
        let identity = try IdentityFile.loadOrCreate(at: options.home.identityFile)
        let store = try NodeStore(home: options.home, access: .readWrite)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let ending: Result<Ending, NodeError>
        do {
            ending = .success(try await run(identity: identity, store: store, group: group))
        } catch {
            ending = .failure(error)
        }
        try? await group.shutdownGracefully()
        try? FileManager.default.removeItem(at: options.home.statusFile)
        return try ending.get()
    }

    private func run(
        identity: SigningKey, store: NodeStore, group: MultiThreadedEventLoopGroup
    ) async throws(NodeError) -> Ending {
        let joining = Joining(
            options: options, identity: identity, store: store, group: group
        )
        let manifest = try await joining.manifest()
        let library = ModelLibrary(store: store)
        let model = try await joining.baseModel(of: manifest, in: library)
        let data = try await trainingData(manifest: manifest, model: model, library: library)
        let adapter = try FederationAdapter(
            manifest: manifest.manifest, record: model.record)
        // Where another CPU draws other bits the state comes from a peer instead.
        try await store.storeObject(
            AdapterStateCodec.encode(
                adapter.initialTensors(seed: manifest.manifest.adapter.initializationSeed)))
        let parts = try await assemble(
            identity: identity, store: store, group: group, manifest: manifest, model: model,
            data: data, adapter: adapter
        )
        return try await run(parts, identity: identity)
    }

    private func run(
        _ parts: FederationService.Parts, identity: SigningKey
    ) async throws(NodeError) -> Ending {
        let restored = try await parts.store.restoredState(manifest: parts.manifest)
        let instance: PeerInstance
        do {
            instance = try PeerInstance(
                restored: restored,
                baseModelDigest: parts.manifest.manifest.baseModelDigest, signer: identity,
                secureSetup: parts.secure?.setup, now: Timestamp(milliseconds: 0)
            )
        } catch {
            throw NodeError(.storage, "The stored state doesn't hold: \(error)")
        }
        let service = FederationService(parts: parts, instance: instance)
        parts.messenger.register { key, bytes in await service.receive(from: key, bytes) }
        parts.secure?.frames.register { key, bytes in
            await service.receive(from: key, bytes, isFrame: true)
        }
        let addresses: [Multiaddr]
        do {
            addresses = try await parts.swarm.start()
        } catch {
            throw NodeError(
                .network, "The node can't listen; name another address with --listen.",
                cause: error
            )
        }
        options.report(.listening(joinLines: addresses))
        let isStopping = running.withLock { running in
            running.service = service
            return running.isStopping
        }
        if isStopping { service.stop() }
        let ending: Result<FederationService.Ending, NodeError>
        do {
            ending = .success(try await service.run())
        } catch {
            ending = .failure(error)
        }
        await parts.swarm.shutdown()
        return try ending.get() == .finished ? .finished : .stopped
    }

    // MARK: - Parts

    private func trainingData(
        manifest: SignedManifest, model: StoredModel, library: ModelLibrary
    ) async throws(NodeError) -> TrainingData {
        let paths = options.settings.data ?? []
        guard !paths.isEmpty else {
            throw NodeError(
                .invalidInput, "There is no text to train on; name files with --data."
            )
        }
        let tokenizer = try await library.tokenizer(of: model.record)
        do {
            let encoder = ExampleEncoder(
                tokenizer: tokenizer,
                rowTokenCountMax: manifest.manifest.training.sequenceLength + 1,
                vocabularySize: model.configuration.vocabularySize,
                scope: .answer
            )
            return try TrainingData(
                TextDataset(paths: paths), encoder: encoder,
                heldOutFraction: options.settings.heldOut ?? 0.1,
                seed: manifest.manifest.adapter.initializationSeed
            )
        } catch {
            throw NodeError(.invalidInput, "\(error)")
        }
    }

    private func assemble(
        identity: SigningKey, store: NodeStore, group: MultiThreadedEventLoopGroup,
        manifest: SignedManifest, model: StoredModel, data: TrainingData,
        adapter: FederationAdapter
    ) async throws(NodeError) -> FederationService.Parts {
        let logger = options.logger
        let own = PeerID(publicKey: identity.publicKey)
        let logSigner = try NodeLog.signer(manifest: manifest, identity: identity)
        await store.setLogSigner(logSigner)
        try await store.setSetting(SettingKey.identity, identity.publicKey.bytes)
        let swarm = try SwarmFactory(options: options, identity: identity, group: group)
            .swarm(federation: manifest.digest)
        let messenger = GroupMessenger(swarm: swarm, logger: logger)
        let access = AccessRules()
        access.open([
            manifest.manifest.baseModelDigest, model.record.tokenizerID,
            manifest.manifest.initialAdapterDigest,
        ])
        access.open(model.record.shards.map(\.id))
        access.open(try await store.entries().map(\.result.adapterDigest))
        let server = ObjectServer(store: store, logger: logger) { peer, id in
            access.mayServe(id, to: peer)
        }
        server.register(at: swarm)
        let connector = try await PeerConnector(
            home: options.home, store: store, swarm: swarm, own: own, join: options.join,
            identity: identity, logger: logger
        )
        connector.register(at: swarm)
        let threads =
            options.settings.threads ?? NodeSettings.standardThreadCount
        let part = try options.settings.trainedPart()
        let trainer = RoundTrainer(
            setup: RoundTrainer.Setup(
                manifest: manifest, member: identity.publicKey, model: model, data: data,
                threadCount: threads, options: options.settings.modelOptions,
                adapter: adapter,
                capacity: try part.capacity(of: adapter, manifest: manifest.manifest)
            ),
            store: store, logger: logger
        )
        return FederationService.Parts(
            manifest: manifest, store: store, trainer: trainer,
            aggregation: AggregationWorker(
                manifest: manifest, layout: adapter.layout, store: store, logger: logger),
            swarm: swarm, messenger: messenger,
            secure: try SecureParts(
                manifest: manifest, layout: adapter.layout, swarm: swarm, options: options),
            fetcher: ObjectFetcher(store: store, streams: swarm, logger: logger),
            connector: connector, access: access,
            status: StatusWriter(
                file: options.home.statusFile, peerID: own,
                part: part.resolved(in: adapter)),
            settings: FederationSettings(
                linger: options.linger,
                retainedRoundCount: options.settings.retainRounds ?? 8
            ),
            logger: logger, report: options.report
        )
    }
}
