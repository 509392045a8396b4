internal import Cryptography

@testable internal import Federation

/// Objects of secure rounds: the sum of a group, what a sum was opened from, and what convicts.
enum SecureObjectDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        let manifest = SampleFederation.manifest.digest
        let members = SampleFederation.keys.map(\.publicKey).sorted()
        let words: [UInt32] = [1, 2, 3, 4]
        let sum = SecureSum(
            participants: members, words: words, weight: 24,
            digest: GroupSum.totalDigest(of: words, weight: 24))
        let group = GroupSum(
            manifestDigest: manifest, round: 1, baseAdapterDigest: SampleFederation.adapterDigest,
            members: members, sum: sum)
        let frame = SecureFrame(
            .status, group: SecureFrame.noGroup, sender: 1, view: 0,
            body: SecureStatus(round: 1, manifestDigest: manifest).bytes, signer: Samples.keys[0])
        let transcript = SecureTranscript(
            roster: frame, joins: [frame], deals: [frame], reveals: [frame],
            sumDigests: [manifest], words: words)
        let evidence = SecureEvidence.falseShare(
            .init(
                member: members[0], dealer: members[1], reveal: frame.bytes, deal: frame.bytes,
                dealerJoin: frame.bytes, roster: frame.bytes))
        return [group.bytes, transcript.bytes, evidence.bytes]
    }

    static func read(_ input: [UInt8]) {
        if let sum = try? GroupSum(bytes: input, byteCountMax: 1 << 20) {
            precondition(sum.bytes == input, "a sum has two forms")
        }
        if let transcript = try? SecureTranscript(bytes: input) {
            precondition(transcript.bytes == input, "a transcript has two forms")
            _ = try? transcript.open(manifest: SampleFederation.manifest, round: 1)
        }
        if let evidence = try? SecureEvidence(bytes: input) {
            precondition(evidence.bytes == input, "evidence has two forms")
            _ = evidence.isProven(networkKey: nil)
        }
    }
}
