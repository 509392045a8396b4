import Cryptography
import Foundation
import Testing

@testable import LibP2P

/// The vectors of flynn/noise, as Debian's package `golang-github-flynn-noise-dev` installs them.
enum NoiseVectorFile {
    static let path = "/usr/share/gocode/src/github.com/flynn/noise/vectors.txt"
    static let isInstalled = FileManager.default.fileExists(atPath: path)

    /// The blocks of the plain XX handshake with the ciphers of libp2p.
    static func blocks() throws -> [[String: String]] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.components(separatedBy: "\n\n").compactMap { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: "=", omittingEmptySubsequences: false)
                if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
            }
            return fields["handshake"] == "Noise_XX_25519_ChaChaPoly_SHA256" ? fields : nil
        }
    }
}

@Suite struct NoiseVectorTests {
    @Test(
        .enabled(
            if: NoiseVectorFile.isInstalled,
            "golang-github-flynn-noise-dev is not installed, its vectors are not run"
        )
    )
    func `every message of the flynn vectors is the same, byte for byte`() throws {
        let blocks = try NoiseVectorFile.blocks()
        #expect(blocks.count == 4)
        for block in blocks { try check(block) }
    }

    private func key(_ text: String?) throws -> AgreementKey {
        try #require(AgreementKey(secret: hex(text ?? "")))
    }

    private func check(_ block: [String: String]) throws {
        let prologue = hex(block["prologue"] ?? "")
        var initiator = NoiseXXInstance(
            role: .initiator, prologue: prologue, staticKey: try key(block["init_static"]),
            ephemeralKey: try key(block["gen_init_ephemeral"])
        )
        var responder = NoiseXXInstance(
            role: .responder, prologue: prologue, staticKey: try key(block["resp_static"]),
            ephemeralKey: try key(block["gen_resp_ephemeral"])
        )
        for index in 0..<3 {
            let payload = hex(block["msg_\(index)_payload"] ?? "")
            let expected = hex(try #require(block["msg_\(index)_ciphertext"]))
            if index == 1 {
                #expect(try responder.writeMessage(payload: payload) == expected)
                #expect(try initiator.readMessage(expected) == payload)
            } else {
                #expect(try initiator.writeMessage(payload: payload) == expected)
                #expect(try responder.readMessage(expected) == payload)
            }
        }
        #expect(initiator.handshakeHash == responder.handshakeHash)
        let keys = try initiator.split()
        let otherKeys = try responder.split()
        // In this file the initiator sends message 3 and the responder message 4.
        try checkTransport(
            block, index: 3, sender: NoiseSendCipher(key: keys.send),
            receiver: NoiseReceiveCipher(key: otherKeys.receive)
        )
        try checkTransport(
            block, index: 4, sender: NoiseSendCipher(key: otherKeys.send),
            receiver: NoiseReceiveCipher(key: keys.receive)
        )
    }

    private func checkTransport(
        _ block: [String: String], index: Int, sender: NoiseSendCipher,
        receiver: NoiseReceiveCipher
    ) throws {
        let payload = hex(try #require(block["msg_\(index)_payload"]))
        let expected = hex(try #require(block["msg_\(index)_ciphertext"]))
        let record = try sender.seal(payload)
        #expect(Array(record.dropFirst(2)) == expected)
        #expect(try receiver.open(expected) == payload)
    }
}
