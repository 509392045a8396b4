import Cryptography
import Federation
import Foundation
import GossipLog
import Storage

@testable import NodeServices

/// A home with a log and nothing else.
final class LogHome {
    let home: NodeHome
    let key: SigningKey
    let manifest: SignedManifest
    let store: NodeStore

    /// Makes a home for the node of that number.
    init(_ number: UInt8, manifest: SignedManifest) async throws {
        home = NodeHome(
            path: FileManager.default.temporaryDirectory
                .appending(path: "starling-\(ProcessInfo.processInfo.globallyUniqueString)").path)
        try home.create()
        key = try Self.key(number)
        self.manifest = manifest
        store = try NodeStore(home: home, access: .readWrite)
        try await store.setLogSigner(NodeLog.signer(manifest: manifest, identity: key))
        try await store.setManifest(manifest)
        try await store.setSetting(SettingKey.identity, key.publicKey.bytes)
    }

    /// Goes on in a copy of a home, as a node does that was restored from it.
    init(restoring other: LogHome) async throws {
        home = try other.copyFolder()
        key = other.key
        manifest = other.manifest
        store = try NodeStore(home: home, access: .readWrite)
        try await store.setLogSigner(NodeLog.signer(manifest: manifest, identity: key))
    }

    deinit {
        try? FileManager.default.removeItem(at: home.folder)
    }

    static func key(_ number: UInt8) throws -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
            throw LoneFederation.Broken()
        }
        return key
    }

    /// A manifest by the node of that number.
    static func manifest(author number: UInt8 = 1, name: String = "logs") throws -> SignedManifest {
        let key = try key(number)
        let none = Hashing.blake2b256([])
        return try SignedManifest(
            signing: Manifest(
                name: name, baseModelDigest: none, baseModelName: "none", tokenizerDigest: none,
                initialAdapterDigest: none,
                adapter: .init(rank: 4, alpha: 8, targets: ["q_proj"], initializationSeed: 1),
                training: .init(
                    roundCount: 1, localStepCount: 1, batchSize: 1, sequenceLength: 8,
                    learningRate: 1e-2),
                ring: .init(weightUnit: 64), normBound: 1,
                membership: .init(startMemberCount: 1, quorumMinimum: 1),
                updateByteCountMax: 1 << 20, author: key.publicKey, createdAtSeconds: 0),
            with: key)
    }

    /// Appends records about made-up peers.
    func append(_ count: Int, salt: UInt8 = 0) async throws {
        try await store.carryOut(
            (0..<count).map { index in
                let bytes = [UInt8](repeating: UInt8(index & 255), count: 31) + [salt]
                guard let member = PublicKey(bytes: bytes) else {
                    preconditionFailure("32 bytes make a key")
                }
                return .appendLog(.peerRefused(member: member, .malformed))
            })
    }

    /// A copy of the folder as it is now: what is open can't be opened again to be audited.
    func copyFolder() throws -> NodeHome {
        let copy = home.folder.deletingLastPathComponent()
            .appending(path: "starling-copy-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: home.folder.path, toPath: copy.path)
        return NodeHome(path: copy.path)
    }
}
