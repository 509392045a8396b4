internal import GossipLog

/// Why an entry of a log was refused for what it says, beside the log's own failures.
struct AuditedClaims {
    /// What is wrong with one claim, in words.
    struct Refusal: Error {
        let reason: String

        init(_ reason: String) {
            self.reason = reason
        }
    }

    private var refused: (index: UInt64, reason: String)?

    /// Keeps the reason and tells the log's auditor to stop at that entry.
    mutating func refuse(_ index: UInt64, _ reason: String) -> AuditFailure {
        refused = (index, reason)
        return AuditFailure(entryIndex: index, reason: .claimRefused)
    }

    /// Why the entry was refused here; nil where it is the log's own failure.
    func reason(at index: UInt64) -> String? {
        refused.flatMap { $0.index == index ? $0.reason : nil }
    }
}
