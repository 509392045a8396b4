internal import Adapters
public import Checkpoints
public import Cryptography
internal import Federation
internal import LibP2P
internal import Storage
internal import Tensors
internal import Tokenizers

/// The adapter of a node's last certified round, with what vouches for it and the base model that
/// it is for.
public struct ConsensusAdapter: Sendable {
    /// The round whose adapter it is.
    public let round: UInt64
    /// The adapter's digest.
    public let adapterDigest: Digest
    /// The members whose updates are in that round.
    public let participants: [PublicKey]
    /// The signatures of the certificate.
    public let signatureCount: Int
    /// The LoRA adapter as PEFT's files hold it.
    public let adapter: PEFTAdapter
    /// The READ adapter as its files hold it; nil where the federation has none.
    public let read: READFiles?
    /// The name of the file that ``certificate`` belongs in.
    public static let certificateName = "starling.json"
    /// JSON with the certificate and the whole certified entry.
    public let certificate: [UInt8]
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
        guard let entry = try await store.entries().last(where: { $0.proposal.round > 0 }) else {
            throw NodeError(.notFound, "No round is certified yet: there is nothing to export.")
        }
        let digest = entry.result.adapterDigest
        let bytes = try await store.requiredObject(digest)
        guard ContentAddress.id(of: bytes) == digest else {
            throw NodeError(.verificationFailed, "The stored adapter is not the certified one.")
        }
        let manifest = status.manifest.manifest
        let library = ModelLibrary(store: store)
        let base = try await library.open(manifest.baseModelDigest)
        let tokenizer = try await library.tokenizer(of: base.record)
        let shape = try FederationAdapter(manifest: manifest, record: base.record)
        let state: NamedTensors
        do {
            state = try ConsensusState(bytes: bytes, layout: shape.layout).adapter
        } catch {
            throw NodeError(.verificationFailed, "The stored adapter can't be read.", cause: error)
        }
        let (adapter, read) = shape.adapters(with: state)
        return ConsensusAdapter(
            round: entry.proposal.round,
            adapterDigest: digest,
            participants: entry.proposal.participatingMembers,
            signatureCount: entry.signatures.count,
            adapter: adapter.peft(baseModelName: manifest.baseModelName),
            read: read?.files(baseModelName: manifest.baseModelName),
            certificate: try ExportCertificate(manifest: status.manifest, entry: entry).json,
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
