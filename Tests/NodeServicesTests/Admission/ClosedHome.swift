import Cryptography
import Federation
import Foundation
import LibP2P
import Storage

@testable import NodeServices

/// A home on the disk whose federation admits members only; its own key is the issuer.
final class ClosedHome {
    let home: NodeHome
    let identity: SigningKey
    let manifest: SignedManifest
    let clock = ManualClock()

    init(isOpen: Bool = false) async throws {
        home = NodeHome(
            path: FileManager.default.temporaryDirectory
                .appending(path: "starling-\(ProcessInfo.processInfo.globallyUniqueString)").path)
        try home.create()
        identity = try IdentityFile.loadOrCreate(at: home.identityFile)
        let none = Hashing.blake2b256([])
        manifest = try SignedManifest(
            signing: Manifest(
                name: "closed", baseModelDigest: none, baseModelName: "none",
                tokenizerDigest: none, initialAdapterDigest: none,
                adapter: .init(rank: 4, alpha: 8, targets: ["q_proj"], initializationSeed: 1),
                training: .init(
                    roundCount: 9, localStepCount: 4, batchSize: 2, sequenceLength: 8,
                    learningRate: 1e-2),
                ring: .init(weightUnit: 64), normBound: 100,
                membership: .init(startMemberCount: 1, quorumMinimum: 1),
                updateByteCountMax: 1000, author: identity.publicKey, createdAtSeconds: 0,
                admission: isOpen ? nil : .init(issuers: [identity.publicKey])),
            with: identity)
        let store = try NodeStore(home: home, access: .readWrite)
        try await store.setManifest(manifest)
    }

    deinit { try? FileManager.default.removeItem(at: home.folder) }

    var book: MemberBook { MemberBook(home: home, clock: clock.service) }
    var seconds: UInt64 { clock.service.unixMilliseconds() / 1000 }

    /// The peer id of a key that belongs to nobody here.
    static func peer(_ number: UInt8) throws -> PeerID {
        PeerID(publicKey: try key(number).publicKey)
    }

    static func key(_ number: UInt8) throws -> SigningKey {
        struct NoKey: Error {}
        guard let key = SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
            throw NoKey()
        }
        return key
    }
}
