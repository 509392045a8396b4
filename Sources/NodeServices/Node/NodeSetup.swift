internal import Adapters
internal import Checkpoints
internal import Cryptography
public import Federation
internal import Foundation
public import LibP2P
internal import Storage
internal import Tensors

/// Makes a node the author of a new federation.
public enum NodeSetup {
    /// What was made.
    public struct Report: Sendable {
        /// The node.
        public let peerID: PeerID
        /// The federation.
        public let manifest: SignedManifest
        /// The trained values of the adapter.
        public let parameterCount: Int
    }

    /// Makes identity, store, base model and signed manifest in a home.
    ///
    /// - Throws: ``NodeError``: `invalidInput` for a model or setting that can't be used, or a
    ///   home that already follows a manifest; `storage` when nothing can be written.
    public static func createFederation(
        home: NodeHome, modelPath: String, options: FederationOptions,
        report: @escaping @Sendable (NodeReport) -> Void = { _ in }
    ) async throws(NodeError) -> Report {
        try home.create()
        let identity = try IdentityFile.loadOrCreate(at: home.identityFile)
        let store = try NodeStore(home: home, access: .readWrite)
        if let existing = try await store.manifest() {
            throw NodeError(
                .invalidInput,
                """
                \(home.folder.path) already follows the federation '\(existing.manifest.name)' \
                (\(existing.digest)); name another folder with --home.
                """
            )
        }
        let library = ModelLibrary(store: store)
        let name = URL(fileURLWithPath: modelPath).lastPathComponent
        let modelID = try await library.importModel(path: modelPath) { done, total in
            report(.preparingModel(name: name, doneByteCount: done, totalByteCount: total))
        }
        guard let record = try await library.record(modelID) else {
            throw NodeError(.storage, "The model was stored and can't be found again.")
        }
        guard options.sequenceLength <= record.configuration.positionCountMax else {
            throw NodeError(
                .invalidInput,
                "A length of \(options.sequenceLength) is above the model's "
                    + "\(record.configuration.positionCountMax) positions."
            )
        }
        let adapter = try options.adapter(on: record)
        let adapterID = try await store.storeObject(
            AdapterStateCodec.encode(adapter.initialTensors(seed: options.seed)))
        let manifest = try options.manifest(
            model: record, modelID: modelID, modelName: name, layout: adapter.layout,
            initialAdapterID: adapterID, author: identity.publicKey
        )
        let signed: SignedManifest
        do {
            signed = try SignedManifest(signing: manifest, with: identity)
        } catch {
            throw NodeError(.invalidInput, "The manifest can't be signed.", cause: error)
        }
        try await store.setManifest(signed)
        return Report(
            peerID: PeerID(publicKey: identity.publicKey), manifest: signed,
            parameterCount: adapter.layout.elementCount
        )
    }
}
