import Cryptography
import Federation
import Foundation
import GossipLog
import Testing

@testable import NodeServices

/// What an export proves to somebody who has nothing else, and what it is refused for.
@Suite struct ExportVerificationTests {
    /// The reason for which a folder is refused; nil if it is not.
    private func refusal(of folder: String, manifest: Digest? = nil) -> String? {
        do {
            _ = try ExportVerification.verify(folder: folder, manifest: manifest)
            return nil
        } catch {
            return error.code == .verificationFailed ? error.description : "\(error.code)"
        }
    }

    private func expect(
        _ folder: String, isRefusedFor reason: String,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let found = refusal(of: folder)
        #expect(found?.contains(reason) == true, "\(found ?? "accepted")", sourceLocation: location)
    }

    /// The base64 text of a field with one byte of what it stands for changed.
    private func flipped(_ text: Any?, at place: Int) throws -> String {
        var bytes = [UInt8](try #require((text as? String).flatMap { Data(base64Encoded: $0) }))
        bytes[place < 0 ? bytes.count + place : place] ^= 1
        return Data(bytes).base64EncodedString()
    }

    @Test func `an export is proven without the store that it came from`() async throws {
        let export = try await LoneExport()
        export.federation.close()
        try FileManager.default.removeItem(at: export.federation.home.state)
        let found = try ExportVerification.verify(
            folder: export.folder, manifest: export.federation.manifest.digest)
        #expect(found.certificate.statement.round == 2)
        #expect(found.certificate.statement.adapterDigest == export.federation.base)
        #expect(found.certificate.participation.participants.map(\.summary.exampleCount) == [8])
        #expect(found.provenLeafCount == 2)
        #expect(found.holdsAdapter)
        #expect(
            refusal(of: export.folder, manifest: Hashing.blake2b256([]))?
                .contains("the manifest is") == true)
    }

    @Test func `a state with momentum is proven through the file beside the adapter`() async throws
    {
        var settings = Manifest.AggregationSettings.spectral
        settings.outerMomentum = 0.5
        let export = try await LoneExport(settings)
        #expect(try ExportVerification.verify(folder: export.folder).holdsAdapter)
        let copy = try export.spoilt(ExportWriter.restName) { $0[$0.count - 1] ^= 1 }
        expect(copy, isRefusedFor: "the adapter's bytes have the digest")
    }

    @Test func `a forged participant is refused`() async throws {
        let export = try await LoneExport()
        let other = try await LoneExport()
        func participants(_ object: [String: Any]) throws -> [[String: Any]] {
            try #require(object["participants"] as? [[String: Any]])
        }
        expect(
            try export.spoilt { object in
                var items = try participants(object)
                items[0]["update"] = other.federation.base.hexadecimal
                object["participants"] = items
            }, isRefusedFor: "participants[0] says")
        expect(
            try export.spoilt { object in
                object["participants"] = try participants(object) + (try participants(object))
            }, isRefusedFor: "participants says 2 items, but 1")
        expect(
            try export.spoilt { object in
                object["absences"] = [["peer": "12D3KooW", "reason": "Gone."]]
            }, isRefusedFor: "absences says 1 items, but 0")
        // In the signed entry, where the members' and the announcement's signatures stand.
        let entry = try #require(
            try await export.federation.opened().entries().last { $0.proposal.round == 2 })
        let proposal = entry.proposal.canonicalBytes
        let member = try #require(entry.proposal.participants.first).summary.member.bytes
        let offset = try #require(
            (0..<proposal.count).first { proposal[$0...].starts(with: member) })
        expect(
            try export.spoilt { object in
                var chain = try #require(object["chain"] as? [String])
                // The domain of the entry (17), then the proposal behind its length (4).
                chain[chain.count - 1] = try flipped(chain.last, at: 21 + offset)
                object["chain"] = chain
            }, isRefusedFor: "The signer is not a member")
    }

    @Test func `a forged weight is refused`() async throws {
        let export = try await LoneExport()
        expect(
            try export.spoilt { object in
                var items = try #require(object["participants"] as? [[String: Any]])
                items[0]["examples"] = 64
                object["participants"] = items
            }, isRefusedFor: "participants[0] says")
        let entry = try #require(try await export.federation.opened().entries().last)
        let object = try #require(entry.proposal.participants.first).summary.objectID.bytes
        let proposal = entry.proposal.canonicalBytes
        let offset = try #require(
            (0..<proposal.count).first { proposal[$0...].starts(with: object) })
        expect(
            try export.spoilt { document in
                var chain = try #require(document["chain"] as? [String])
                // The low byte of the examples stands behind the object's address.
                chain[chain.count - 1] = try flipped(chain.last, at: 21 + offset + 32 + 3)
                document["chain"] = chain
            }, isRefusedFor: "A signature does not fit its statement")
    }

    @Test func `a forged sum is refused`() async throws {
        let export = try await LoneExport()
        expect(
            try export.spoilt { object in
                object["sum_digest"] = String(repeating: "0", count: 64)
            }, isRefusedFor: "sum_digest says 000")
        expect(
            try export.spoilt { object in
                object["statement"] = try flipped(object["statement"], at: 170)
            }, isRefusedFor: "statement says")
        expect(
            try export.spoilt { object in
                object["adapter_digest"] = object["sum_digest"]
            }, isRefusedFor: "adapter_digest says")
        let entry = try #require(try await export.federation.opened().entries().last)
        let bytes = entry.bytes
        let sum = entry.result.sumDigest.bytes
        let offset = try #require((0..<bytes.count).first { bytes[$0...].starts(with: sum) })
        expect(
            try export.spoilt { object in
                var chain = try #require(object["chain"] as? [String])
                chain[chain.count - 1] = try flipped(chain.last, at: offset)
                object["chain"] = chain
            }, isRefusedFor: "A signature does not fit its statement")
    }

    @Test func `a forged adapter is refused`() async throws {
        let export = try await LoneExport()
        expect(
            try export.spoilt("adapter_model.safetensors") { $0[$0.count - 4] ^= 1 },
            isRefusedFor: "the adapter's bytes have the digest")
        expect(
            try export.spoilt("adapter_config.json") { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                    .replacing("\"lora_alpha\": 8", with: "\"lora_alpha\": 16")
                bytes = Array(text.utf8)
            }, isRefusedFor: "are not the manifest's")
    }

    @Test func `a forged signature is refused`() async throws {
        let export = try await LoneExport()
        expect(
            try export.spoilt { object in
                var items = try #require(object["certificate"] as? [[String: Any]])
                items[0]["signature"] = try flipped(items[0]["signature"], at: 5)
                object["certificate"] = items
            }, isRefusedFor: "certificate[0] says")
        for place in [-1, -40] {
            expect(
                try export.spoilt { object in
                    var chain = try #require(object["chain"] as? [String])
                    chain[chain.count - 1] = try flipped(chain.last, at: place)
                    object["chain"] = chain
                }, isRefusedFor: "A signature does not fit its statement")
        }
        expect(
            try export.spoilt { object in
                object["manifest"] = try flipped(object["manifest"], at: -1)
            }, isRefusedFor: "its manifest is not signed by its author")
        expect(
            try export.spoilt { object in
                object["threshold"] = 0
            }, isRefusedFor: "threshold says 0, but 1")
    }

    @Test func `a forged proof is refused`() async throws {
        let export = try await LoneExport()
        func spoiltLog(
            _ change: (inout [String: Any], inout [[String: Any]]) throws -> Void
        ) throws -> String {
            try export.spoilt { object in
                var log = try #require(object["log"] as? [String: Any])
                var entries = try #require(log["entries"] as? [[String: Any]])
                try change(&log, &entries)
                log["entries"] = entries
                object["log"] = log
            }
        }
        expect(
            try spoiltLog { _, entries in
                var proof = try #require(entries[0]["proof"] as? [String])
                proof[0] = try flipped(proof[0], at: 3)
                entries[0]["proof"] = proof
            }, isRefusedFor: "log.entries[0] is not in the log")
        expect(
            try spoiltLog { _, entries in
                entries[1]["leaf"] = try flipped(entries[1]["leaf"], at: -1)
            }, isRefusedFor: "log.entries[1] is not in the log")
        expect(
            try spoiltLog { _, entries in entries[0]["index"] = 0 },
            isRefusedFor: "log.entries[0] is not in the log")
        expect(
            try spoiltLog { _, entries in entries.removeLast() },
            isRefusedFor: "no leaf of its log is the round's entry")
        expect(
            try spoiltLog { log, _ in
                let head = try #require(log["tree_head"] as? String)
                let lines = head.split(separator: "\n", omittingEmptySubsequences: false)
                let size = try #require(Int(lines[1]))
                log["tree_head"] = head.replacing("\n\(size)\n", with: "\n\(size + 1)\n")
            }, isRefusedFor: "its tree head is not signed by the log")
        let stranger = SigningKey.generate()
        let signer = try NodeLog.signer(manifest: export.federation.manifest, identity: stranger)
        expect(
            try spoiltLog { log, _ in log["key"] = signer.key.description },
            isRefusedFor: "its log is that of no member")
    }

    @Test func `an entry that is left out of the chain is missed`() async throws {
        let export = try await LoneExport()
        expect(
            try export.spoilt { object in
                var chain = try #require(object["chain"] as? [String])
                chain.removeFirst()
                object["chain"] = chain
            }, isRefusedFor: "chain[0]")
        expect(
            try export.spoilt { object in
                var chain = try #require(object["chain"] as? [String])
                chain.removeLast()
                object["chain"] = chain
            }, isRefusedFor: "round says 2, but 1")
        expect(
            try export.spoilt { $0["chain"] = [String]() }, isRefusedFor: "its chain is empty")
        expect(try export.spoilt { $0["version"] = 1 }, isRefusedFor: "of this version")
        #expect(refusal(of: export.folder + "/none") == "notFound")
    }
}
