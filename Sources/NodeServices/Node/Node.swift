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
        let joining = try await Joining(
            options: options, identity: identity, store: store, group: group
        ).throughPeerList()
        let manifest = try await joining.manifest()
        let library = ModelLibrary(store: store)
        let record = try await joining.record(of: manifest, in: library)
        let adapter = try FederationAdapter(manifest: manifest.manifest, record: record)
        let work = NodeWork(
            options: options, manifest: manifest, record: record, adapter: adapter,
            library: library)
        let planner = try work.planner()
        let plan = try planner?.choose()
        if let plan {
            options.report(.planned(plan, layerCount: record.configuration.layerCount))
        }
        let publisher =
            manifest.manifest.exchange.kind.isGossip
            ? StatePublisher(
                inspector: StateInspector(
                    manifest: manifest,
                    initialAdapter: adapter.initialTensors(
                        seed: manifest.manifest.adapter.initializationSeed)),
                layout: adapter.layout, member: identity.publicKey, store: store,
                logger: options.logger) : nil
        var trainer: RoundTrainer?
        if plan?.method != .relay {
            let model = try await joining.baseModel(of: manifest, in: library)
            trainer = RoundTrainer(
                setup: RoundTrainer.Setup(
                    manifest: manifest, member: identity.publicKey, model: model,
                    threadCount: options.settings.threads ?? NodeSettings.standardThreadCount,
                    adapter: adapter, work: try await work.work(plan),
                    lowering: planner.map {
                        RoundTrainer.Lowering(
                            planner: $0, budget: options.settings.memory, work: work)
                    },
                    publisher: publisher, alterUpdate: options.alterUpdate
                ),
                store: store, logger: options.logger
            )
        }
        // Where another CPU draws other bits the state comes from a peer instead.
        try await store.storeObject(
            AdapterStateCodec.encode(
                adapter.initialTensors(seed: manifest.manifest.adapter.initializationSeed)))
        let parts = try await assemble(
            identity: identity, store: store, group: group, manifest: manifest, record: record,
            trainer: trainer, publisher: publisher,
            part: trainer == nil ? nil : try work.part(plan), adapter: adapter
        )
        return try await run(parts, identity: identity, membership: try joining.membership())
    }

    private func run(
        _ parts: FederationService.Parts, identity: SigningKey, membership: MembershipChain?
    ) async throws(NodeError) -> Ending {
        let restored = try await parts.store.restoredState(manifest: parts.manifest)
        let instance: any FederationInstance
        do {
            let base = parts.manifest.manifest.baseModelDigest
            let now = Timestamp(milliseconds: 0)
            let admission = AdmissionSetup(
                membership: membership,
                zeroSeconds: UInt64(max(Date().timeIntervalSince1970, 0)))
            if parts.isGossip {
                instance = try GossipInstance(
                    restored: restored, baseModelDigest: base, signer: identity,
                    retainedRoundCount: parts.settings.retainedRoundCount, admission: admission,
                    now: now)
            } else {
                instance = try PeerInstance(
                    restored: restored, baseModelDigest: base, signer: identity,
                    secureSetup: parts.secure?.setup, admission: admission, now: now)
            }
        } catch {
            throw NodeError(.storage, "The stored state doesn't hold: \(error)")
        }
        let network = try NetworkUpkeep(
            options: options, parts: parts, identity: identity)
        let service = FederationService(parts: parts, instance: instance)
        parts.messenger.register { key, bytes in await service.receive(from: key, bytes) }
        MembershipService(logger: options.logger).register(at: parts.swarm) { key, bytes in
            await service.answer(to: key, bytes)
        }
        parts.secure?.frames.register {
            parts.access.isMember($0)
        } receive: { key, bytes in
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
        if !addresses.isEmpty { options.report(.listening(joinLines: addresses)) }
        let isStopping = running.withLock { running in
            running.service = service
            return running.isStopping
        }
        if isStopping { service.stop() }
        let upkeep = Task { await network.run() }
        let ending: Result<FederationService.Ending, NodeError>
        do {
            ending = .success(try await service.run())
        } catch {
            ending = .failure(error)
        }
        upkeep.cancel()
        await upkeep.value
        await parts.swarm.shutdown()
        return try ending.get() == .finished ? .finished : .stopped
    }

    // MARK: - Parts

    private func assemble(
        identity: SigningKey, store: NodeStore, group: MultiThreadedEventLoopGroup,
        manifest: SignedManifest, record: ModelRecord, trainer: RoundTrainer?,
        publisher: StatePublisher?, part: TrainedPart?, adapter: FederationAdapter
    ) async throws(NodeError) -> FederationService.Parts {
        let logger = options.logger
        let own = PeerID(publicKey: identity.publicKey)
        let logSigner = try NodeLog.signer(manifest: manifest, identity: identity)
        await store.setLogSigner(logSigner)
        try await store.setSetting(SettingKey.identity, identity.publicKey.bytes)
        let retainedRoundCount = options.settings.retainRounds ?? 8
        let access = AccessRules(
            registry: try await store.admissionRegistry(manifest: manifest),
            adapterCountMax: retainedRoundCount)
        let swarm = try SwarmFactory(options: options, identity: identity, group: group)
            .swarm(of: manifest) { access.admits($0) }
        let messenger = GroupMessenger(swarm: swarm, logger: logger)
        access.open([
            manifest.manifest.baseModelDigest, record.tokenizerID,
            manifest.manifest.initialAdapterDigest,
        ])
        access.open(record.shards.map(\.id))
        for entry in try await store.newestEntries(retainedRoundCount) {
            access.open(adapter: entry.result.adapterDigest)
        }
        let server = ObjectServer(store: store, logger: logger) { peer, id in
            access.mayServe(id, to: peer)
        }
        server.register(at: swarm)
        let connector = try await PeerConnector(
            home: options.home, store: store, swarm: swarm, own: own, join: options.join,
            identity: identity, logger: logger
        )
        connector.register(at: swarm)
        let witness = try WitnessService(
            manifest: manifest, identity: identity, store: store, opener: swarm, logger: logger)
        witness.register(at: swarm)
        ReachabilityService(
            swarm: swarm, networkKey: try options.settings.network.key(), logger: logger
        ).register()
        let announcements = try await AnnouncementService(
            swarm: swarm, store: store, manifest: manifest, logger: logger)
        let report = options.report
        return FederationService.Parts(
            manifest: manifest, store: store, trainer: trainer, publisher: publisher,
            aggregation: AggregationWorker(
                manifest: manifest, layout: adapter.layout, store: store,
                inspector: publisher?.inspector, logger: logger),
            swarm: swarm, messenger: messenger,
            secure: try SecureParts(
                manifest: manifest, layout: adapter.layout, swarm: swarm, options: options),
            fetcher: ObjectFetcher(store: store, streams: swarm, logger: logger),
            connector: connector, witness: witness, announcements: announcements,
            access: access,
            status: StatusWriter(
                file: options.home.statusFile, peerID: own,
                part: part?.resolved(in: adapter)),
            admissionFolder: options.home.admission,
            settings: FederationSettings(
                linger: options.linger,
                retainedRoundCount: retainedRoundCount
            ),
            logger: logger,
            report: { news in
                announcements.note(news)
                report(news)
            }
        )
    }
}
