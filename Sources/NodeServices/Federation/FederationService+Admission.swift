internal import Cryptography
internal import Federation

/// Memberships, between the network and the instance.
extension FederationService {
    /// Takes a question of the membership stream and returns the answer; nil for a node that ends.
    nonisolated func answer(to key: PublicKey, _ bytes: [UInt8]) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            let result = inputSink.yield(
                .membership(from: key, bytes: bytes, done: continuation))
            if case .enqueued = result { return }
            continuation.resume(returning: nil)
        }
    }

    /// Keeps who asks, and makes the question an event.
    func question(
        of key: PublicKey, _ bytes: [UInt8], done: CheckedContinuation<[UInt8]?, Never>
    ) -> Event {
        questionCount += 1
        questions[questionCount] = done
        return .membershipRequested(id: questionCount, from: key, bytes: bytes)
    }

    /// Lets what is on disk of certificates and revocations decide who is served.
    func noteAdmission() {
        let registry = instance.admissionRegistry
        guard registry.revision != knownRevision else { return }
        knownRevision = registry.revision
        parts.access.setRegistry(registry)
    }

    /// What a node ends with that may take part no longer.
    static func exclusion(_ reason: RejectReason, _ text: String) -> NodeError {
        NodeError(
            .refused,
            "This node may not take part: \(reason.sentence)"
                + (text.isEmpty ? "" : " The issuer says: \(text)"))
    }
}
