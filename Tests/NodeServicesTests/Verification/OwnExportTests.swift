import Checkpoints
import Cryptography
import Federation
import Foundation
import LibP2P
import Testing

@testable import NodeServices

/// An adapter that one node alone vouches for.
@Suite struct OwnExportTests {
    @Test func `one node's signature is told from a certificate`() async throws {
        let export = try await LoneExport()
        let manifest = export.federation.manifest
        let key = try LogHome.key(5)
        func json(round: UInt64, signedRound: UInt64) throws -> [UInt8] {
            let statement = OwnAdapterStatement.bytes(
                manifest: manifest.digest, member: key.publicKey, round: signedRound,
                adapter: export.federation.base)
            let fields: [String: Any] = [
                "version": 1, "certified": false, "round": round,
                "manifest": Data(manifest.bytes).base64EncodedString(),
                "peer": PeerID(publicKey: key.publicKey).description,
                "adapter_digest": export.federation.base.hexadecimal,
                "signature": Data(key.signature(for: statement)).base64EncodedString(),
            ]
            return [UInt8](try JSONSerialization.data(withJSONObject: fields))
        }
        let own = try export.spoilt { $0 = try json(round: 3, signedRound: 3) }
        #expect(OwnExportVerification.isOwn(folder: own))
        #expect(!OwnExportVerification.isOwn(folder: export.folder))
        let found = try OwnExportVerification.verify(folder: own, manifest: manifest.digest)
        #expect(found.member == key.publicKey && found.round == 3 && found.holdsAdapter)
        let forged = try export.spoilt { $0 = try json(round: 4, signedRound: 3) }
        #expect(throws: NodeError.self) { try OwnExportVerification.verify(folder: forged) }
        #expect(throws: NodeError.self) { try ExportVerification.verify(folder: own) }
    }
}
