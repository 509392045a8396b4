internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import LibP2P
internal import Logging
internal import Storage
internal import Synchronization
internal import Transports

/// Has the node's tree heads cosigned by the other members, cosigns theirs, and answers whoever
/// audits the log from outside.
///
/// A head is cosigned only with the proof that it continues the last one, and only after it is
/// stored as the last one. Two heads of one size that a log signed are kept as evidence, in the log
/// too.
actor WitnessService {
    static let protocolID = "/starling/witness/1.0.0"
    /// The longest message of the protocol.
    static let messageByteCountMax = max(
        CheckpointRequest.byteCountMax, CheckpointAnswer.byteCountMax)
    /// The requests that one stream may carry: an audit from outside asks a few.
    static let requestCountMax = 256
    /// How long one stream may last.
    static let streamDeadline = Duration.seconds(60)
    /// How often new heads are shown to the others: often enough to be cosigned before a node that
    /// has finished goes (three seconds), seldom enough to cost nothing.
    static let interval = Duration.seconds(2)
    /// How long a member may take to answer.
    static let answerDeadline = Duration.seconds(10)

    private let manifest: SignedManifest
    private let own: PublicKey
    private let logKey: NoteKey
    private let cosigner: NoteSigner
    private let binding: WitnessKey
    private let store: NodeStore
    private let opener: any StreamOpener
    private let logger: Logger
    private nonisolated let others = Mutex<[PublicKey]>([])
    /// The size that each member cosigned last, as far as this process knows.
    private var cosignedSizes: [PublicKey: UInt64] = [:]
    private var collecting: SignedTreeHead?
    /// Streams beyond these are reset and come again.
    private var places = StreamPlaces(countMax: 16, countMaxPerPeer: 4)

    /// Derives the cosigning key from the identity.
    ///
    /// - Throws: ``NodeError`` where the log has no valid name.
    init(
        manifest: SignedManifest, identity: SigningKey, store: NodeStore,
        opener: any StreamOpener, logger: Logger
    ) throws(NodeError) {
        self.manifest = manifest
        own = identity.publicKey
        logKey = try NodeLog.key(manifest: manifest, member: identity.publicKey)
        let secret = NodeLog.cosigningKey(identity: identity)
        do {
            cosigner = try NoteSigner(
                name: logKey.name, algorithm: .cosignature, signingKey: secret)
            binding = try WitnessKey(
                origin: logKey.name, witness: secret.publicKey, signer: identity)
        } catch {
            throw NodeError(.storage, "The witness has no valid name.", cause: error)
        }
        self.store = store
        self.opener = opener
        self.logger = logger
    }

    /// Serves the protocol at a swarm; call it before the swarm starts.
    nonisolated func register(at swarm: Swarm) {
        swarm.register(protocol: Self.protocolID) { peer, stream in
            await self.serve(stream, to: peer)
        }
    }

    /// Notes whose heads are cosigned, and who is asked to cosign.
    nonisolated func setMembers(_ members: [PublicKey]) {
        others.withLock { $0 = members.filter { $0 != own } }
    }

    private nonisolated var members: [PublicKey] { others.withLock { $0 } }

    /// Shows new heads to the other members until cancelled.
    func run() async {
        while !Task.isCancelled {
            await publish()
            try? await Task.sleep(for: Self.interval)
        }
    }

    // MARK: - Answering

    /// Answers the requests of one stream.
    func serve(_ stream: any MessageStream, to peer: PeerID) async {
        guard places.take(for: peer) else {
            stream.reset()
            return
        }
        let deadline = Self.deadline(Self.streamDeadline, for: stream)
        defer {
            deadline.cancel()
            places.leave(peer)
        }
        var count = 0
        do {
            while count < Self.requestCountMax,
                let message = try await stream.readLengthPrefixed(
                    maxByteCount: Self.messageByteCountMax)
            {
                count += 1
                guard let answer = try await answer(to: message) else { break }
                try await stream.writeLengthPrefixed(answer)
            }
            await stream.closeWrite()
        } catch {
            logger.debug("witness stream ended", metadata: ["reason": "\(error)"])
            stream.reset()
        }
    }

    /// Resets the stream after a while, unless cancelled before.
    private static func deadline(
        _ duration: Duration, for stream: any MessageStream
    ) -> Task<Void, Never> {
        Task {
            try? await Task.sleep(for: duration)
            if !Task.isCancelled { stream.reset() }
        }
    }

    /// The answer to a message; nil for one that is none of the protocol.
    func answer(to message: [UInt8]) async throws(NodeError) -> [UInt8]? {
        if let query = LogQuery(bytes: message) { return try await answer(to: query) }
        guard let request = CheckpointRequest(bytes: message) else {
            return CheckpointAnswer.malformed.bytes
        }
        return try await answer(to: request).bytes
    }

    private func answer(to query: LogQuery) async throws(NodeError) -> [UInt8] {
        switch query {
        case .seen(let member): return try await store.seenTreeHead(of: member) ?? []
        case .head: return try await store.publishedTreeHead() ?? []
        case .consistency(let older, let newer):
            return try await store.read { (transaction) throws(StorageError) in
                guard newer <= (try transaction.logTree().size) else { return [] }
                return try transaction.consistencyProof(from: older, to: newer)
                    .hashes.flatMap(\.bytes)
            }
        case .leaf(let index, let size):
            return try await store.read { (transaction) throws(StorageError) in
                guard size <= (try transaction.logTree().size),
                    let leaf = try transaction.logLeaf(index),
                    let proof = try transaction.inclusionProofs(of: [index], size: size).first
                else { return [] }
                return ([MerkleTree.leafHash(leaf)] + proof.hashes).flatMap(\.bytes)
            }
        }
    }

    private func answer(
        to request: CheckpointRequest
    ) async throws(NodeError) -> CheckpointAnswer {
        guard let note = try? SignedNote(bytes: request.note),
            let head = try? TreeHead(text: note.text)
        else { return .malformed }
        guard let member = NodeLog.member(origin: head.origin), members.contains(member) else {
            return .unknownLog
        }
        let key = try NodeLog.key(manifest: manifest, member: member)
        let last = try await store.seenTreeHead(of: member)
        switch Witness.judge(request, key: key, last: last) {
        case .malformed: return .malformed
        case .unknownLog: return .unknownLog
        case .proofInvalid:
            logger.warning(
                "a member can't prove that its log continues what it signed",
                metadata: ["peer": "\(PeerID(publicKey: member))"])
            return .proofInvalid
        case .otherSize: return last.map { .conflict(note: $0) } ?? .nothingSigned
        case .fork(let evidence):
            if try await store.addFork(evidence, of: member) {
                logger.error(
                    "a member's log has two histories; the evidence is stored",
                    metadata: ["peer": "\(PeerID(publicKey: member))"])
            }
            return last.map { .conflict(note: $0) } ?? .nothingSigned
        case .sign(let signed):
            // Stored first: what was cosigned is never forgotten.
            let stored = try await store.setSeenTreeHead(
                signed.bytes, of: member, after: last)
            guard stored else { return .conflict(note: last ?? request.note) }
            let seconds = UInt64(max(Date().timeIntervalSince1970, 0))
            return .signed(
                binding: binding.bytes,
                line: cosigner.cosignatureLine(over: signed.head, timeSeconds: seconds))
        }
    }

    // MARK: - Asking

    /// Shows the newest head to each member that has not cosigned it yet.
    func publish() async {
        do {
            let latest = try await store.read { (transaction) throws(StorageError) in
                try transaction.latestTreeHead()
            }
            guard let latest, let head = try? SignedTreeHead(bytes: latest, key: logKey) else {
                return
            }
            for member in members where cosignedSizes[member, default: 0] < head.head.size {
                await publish(head, to: member)
            }
        } catch {
            logger.error("the log can't be read", metadata: ["reason": "\(error)"])
        }
    }

    private func publish(_ head: SignedTreeHead, to member: PublicKey) async {
        let peer = PeerID(publicKey: member)
        guard
            let stream = try? await opener.openMessageStream(to: peer, protocol: Self.protocolID)
        else { return }
        let deadline = Self.deadline(Self.answerDeadline, for: stream)
        defer { deadline.cancel() }
        do {
            try await ask(member, over: stream, to: head)
            await stream.closeWrite()
        } catch {
            logger.debug(
                "head not cosigned", metadata: ["peer": "\(peer)", "reason": "\(error)"])
            stream.reset()
        }
    }

    private func ask(
        _ member: PublicKey, over stream: any MessageStream, to head: SignedTreeHead
    ) async throws {
        var old = cosignedSizes[member, default: 0]
        // The first answer may tell the size that the witness knows.
        for _ in 0..<2 {
            let (older, size) = (old, head.head.size)
            let hashes = try await store.read { (transaction) throws(StorageError) in
                try transaction.consistencyProof(from: older, to: size).hashes
            }
            try await stream.writeLengthPrefixed(
                CheckpointRequest(oldSize: old, hashes: hashes, note: head.bytes).bytes)
            let bytes = try await stream.readLengthPrefixed(
                maxByteCount: CheckpointAnswer.byteCountMax)
            switch bytes.flatMap(CheckpointAnswer.init(bytes:)) {
            case .signed(let binding, let line):
                try await keep(line, binding: binding, of: member, under: head)
                cosignedSizes[member] = head.head.size
                return
            case .nothingSigned: old = 0
            case .conflict(let note):
                guard let known = try? SignedTreeHead(bytes: note, key: logKey) else { return }
                guard known.head.size <= head.head.size,
                    known.head.size < head.head.size || known.head.root == head.head.root
                else {
                    logger.error(
                        "a witness knows another history of this log: was an old copy restored?",
                        metadata: [
                            "peer": "\(PeerID(publicKey: member))",
                            "entries": "\(known.head.size)",
                        ])
                    return
                }
                old = known.head.size
            default: return
            }
        }
    }

    private func keep(
        _ line: [UInt8], binding: [UInt8], of member: PublicKey, under head: SignedTreeHead
    ) async throws {
        let witness = try WitnessKey(
            bytes: binding, log: NodeLog.key(manifest: manifest, member: member))
        let base = collecting.flatMap { $0.head == head.head ? $0 : nil } ?? head
        let cosigned = try base.cosigned(line: line, by: witness.key)
        collecting = cosigned
        try await store.setWitnessKey(binding, of: member)
        try await store.setCosignedTreeHead(cosigned.bytes)
    }
}
