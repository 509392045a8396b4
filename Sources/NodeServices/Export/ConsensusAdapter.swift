internal import Adapters
public import Checkpoints
public import Cryptography
public import Federation
internal import LibP2P
internal import Storage
internal import Tensors
internal import Tokenizers

/// The adapter of a node's last certified round, with what vouches for it and the base model that
/// it is for; in a federation that gossips the node's own adapter.
public struct ConsensusAdapter: Sendable {
    /// The round whose adapter it is.
    public let round: UInt64
    /// The adapter's digest.
    public let adapterDigest: Digest
    /// Whether a quorum signed it; else it is one node's own, and only that node vouches for it.
    public let isCertified: Bool
    /// The members whose updates are in that round; of an own adapter the node alone.
    public let participants: [PublicKey]
    /// The signatures of the certificate.
    public let signatureCount: Int
    /// How far the members' adapters lay apart in the last mean; nil for a certified one.
    public let distance: ConsensusDistance?
    /// The LoRA adapter as PEFT's files hold it.
    public let adapter: PEFTAdapter
    /// The READ adapter as its files hold it; nil where the federation has none.
    public let read: READFiles?
    /// The names of the files that an export adds to an adapter's own.
    public static let fileNames = [ExportWriter.documentName, ExportWriter.restName]
    /// What a folder with other weights than the adapter's gets: the document that vouches for it, a
    /// certificate or the node's own statement.
    public let certificate: [String: [UInt8]]
    /// What a folder with the LoRA adapter gets, so that `starling verify` finds all of the
    /// state there.
    public let filesBesideLoRA: [String: [UInt8]]
    /// What a folder with the READ adapter gets.
    public let filesBesideREAD: [String: [UInt8]]
    /// The base model in the node's store.
    public let base: StoredModel
    /// The token that the base model's texts begin with, if there is one.
    public let bosID: Int?
    /// The token that the base model's texts end with, if there is one.
    public let eosID: Int?

    /// Reads it from a home.
    ///
    /// - Throws: ``NodeError``: `notFound` before the first certified round or without the base
    ///   model, `verificationFailed` when the stored adapter isn't the certified one.
    public static func read(home: NodeHome) async throws(NodeError) -> ConsensusAdapter {
        let store = try NodeStore(home: home, access: .readOnly)
        let status = try await NodeStatus.read(home: home, store: store)
        let origin: Origin
        if let snapshot = status.gossip {
            guard snapshot.round > 0 else {
                throw NodeError(.notFound, "No round is over yet: there is nothing to export.")
            }
            let identity = try IdentityFile.load(at: home.identityFile)
            origin = .own(snapshot, identity)
        } else {
            guard let entry = try await store.entries().last(where: { $0.proposal.round > 0 })
            else {
                throw NodeError(.notFound, "No round is certified yet: there is nothing to export.")
            }
            origin = .certified(entry)
        }
        let digest = origin.adapterDigest
        let bytes = try await store.requiredObject(digest)
        guard ContentAddress.id(of: bytes) == digest else {
            throw NodeError(
                .verificationFailed, "The stored adapter is not the one that the records name.")
        }
        let manifest = status.manifest.manifest
        let library = ModelLibrary(store: store)
        let base = try await library.open(manifest.baseModelDigest)
        let tokenizer = try await library.tokenizer(of: base.record)
        let shape = try FederationAdapter(manifest: manifest, record: base.record)
        let state: ConsensusState
        do {
            state = try ConsensusState(bytes: bytes, layout: shape.layout)
        } catch {
            throw NodeError(.verificationFailed, "The stored adapter can't be read.", cause: error)
        }
        let (adapter, read) = shape.adapters(with: state.adapter)
        let document = try await origin.document(store: store, manifest: status.manifest)
        let certificate = [ExportWriter.documentName: document]
        func files(beside written: NamedTensors) -> [String: [UInt8]] {
            var files = certificate
            files[ExportWriter.restName] = ExportWriter.rest(of: state.tensors, beside: written)
            return files
        }
        return ConsensusAdapter(
            round: origin.round,
            adapterDigest: digest,
            isCertified: origin.isCertified,
            participants: origin.participants,
            signatureCount: origin.signatureCount,
            distance: origin.distance,
            adapter: adapter.peft(baseModelName: manifest.baseModelName),
            read: read?.files(baseModelName: manifest.baseModelName),
            certificate: certificate,
            filesBesideLoRA: files(beside: adapter.parameters),
            filesBesideREAD: read.map { files(beside: $0.parameters) } ?? certificate,
            base: base,
            bosID: tokenizer.bosID,
            eosID: tokenizer.eosID
        )
    }

    /// Checks that a model is the one that the adapter was trained on, by the digest of every
    /// tensor.
    ///
    /// - Throws: ``NodeError``: `refused`, naming the first tensor that differs; `invalidInput` if
    ///   one can't be read.
    public func check(_ model: any TensorSource) throws(NodeError) {
        let tensors = base.record.shards.map(\.tensor)
        guard model.configuration == base.configuration, model.tensors == tensors else {
            throw NodeError(.refused, "The model is not the federation's: its tensors differ.")
        }
        for shard in base.record.shards {
            let manifest: ObjectManifest
            do {
                let bytes = unsafe try model.withBytes(of: shard.tensor.name) {
                    unsafe [UInt8]($0)
                }
                manifest = try ObjectManifest(cutting: bytes)
            } catch {
                throw NodeError(
                    .invalidInput, "The tensor \(shard.tensor.name) can't be read.", cause: error
                )
            }
            guard manifest.objectID == shard.id else {
                throw NodeError(
                    .refused,
                    "The model is not the federation's: the tensor \(shard.tensor.name) differs."
                )
            }
        }
    }
}

/// Where an adapter comes from.
private enum Origin {
    case certified(CertifiedEntry)
    case own(GossipSnapshot, SigningKey)

    var round: UInt64 {
        switch self {
        case .certified(let entry): entry.proposal.round
        case .own(let snapshot, _): snapshot.round
        }
    }

    var adapterDigest: Digest {
        switch self {
        case .certified(let entry): entry.result.adapterDigest
        case .own(let snapshot, _): snapshot.adapterDigest
        }
    }

    var isCertified: Bool {
        if case .certified = self { true } else { false }
    }

    var participants: [PublicKey] {
        switch self {
        case .certified(let entry): entry.proposal.participatingMembers
        case .own(_, let identity): [identity.publicKey]
        }
    }

    var signatureCount: Int {
        if case .certified(let entry) = self { entry.signatures.count } else { 1 }
    }

    var distance: ConsensusDistance? {
        if case .own(let snapshot, _) = self { snapshot.distance } else { nil }
    }

    func document(
        store: NodeStore, manifest: SignedManifest
    ) async throws(NodeError) -> [UInt8] {
        switch self {
        case .certified(let entry):
            return try await ExportWriter(store: store, manifest: manifest)
                .document(height: entry.height).json
        case .own(let snapshot, let identity):
            return try OwnAdapterCertificate(
                manifest: manifest, snapshot: snapshot, signer: identity
            ).json
        }
    }
}
