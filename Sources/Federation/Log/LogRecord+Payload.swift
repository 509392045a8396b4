internal import Cryptography

/// The fixed layouts of log records. Each begins with `"starling/log-record/1\0"` and the kind (2).
extension LogRecord {
    private static let domain: StaticString = "starling/log-record/1"

    /// What the log entry says.
    ///
    /// What it says of an entry or an announcement is its digest: the bytes themselves are the
    /// evidence.
    public var payload: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(kind)
        switch self {
        case .joined(let member, let height):
            writer.write(raw: member.bytes)
            writer.write(height)
        case .departed(let member, let height, let reason):
            writer.write(raw: member.bytes)
            writer.write(height)
            switch reason {
            case .announced: writer.write(UInt32(0))
            case .silentRounds(let count): writer.write(count: count)
            }
        case .updateAnnounced(let announcement), .updateLate(let announcement):
            Self.write(announcement.summary, to: &writer)
        case .updateReceived(let summary):
            Self.write(summary, to: &writer)
        case .updateRefused(let summary, let reason):
            Self.write(summary, to: &writer)
            writer.write(reason.rawValue)
        case .aggregated(let result):
            writer.write(raw: result.bytes)
        case .certified(let entry):
            writer.write(entry.height)
            writer.write(entry.proposal.round)
            writer.write(raw: entry.digest.bytes)
            writer.write(raw: entry.result.adapterDigest.bytes)
        case .equivocation(let equivocation):
            writer.write(raw: equivocation.member.bytes)
            writer.write(equivocation.subject.rawValue)
            writer.write(equivocation.height)
            writer.write(equivocation.view)
        case .peerRefused(let member, let reason):
            writer.write(raw: member.bytes)
            writer.write(reason.rawValue)
        }
        return writer.bytes
    }

    /// The signed bytes that prove the record; empty where the node itself is the only witness.
    public var evidence: [UInt8] {
        switch self {
        case .updateAnnounced(let announcement), .updateLate(let announcement):
            var writer = CanonicalWriter()
            Self.write(announcement.summary, to: &writer)
            writer.write(raw: announcement.signature)
            return writer.bytes
        case .certified(let entry):
            return entry.bytes
        case .equivocation(let equivocation):
            var writer = CanonicalWriter()
            writer.write(prefixed: equivocation.first)
            writer.write(prefixed: equivocation.second)
            return writer.bytes
        case .joined, .departed, .updateReceived, .updateRefused, .aggregated, .peerRefused:
            return []
        }
    }

    private static func write(_ summary: UpdateSummary, to writer: inout CanonicalWriter) {
        writer.write(summary.round)
        writer.write(raw: summary.baseAdapterDigest.bytes)
        writer.write(raw: summary.member.bytes)
        writer.write(raw: summary.objectID.bytes)
        writer.write(count: summary.exampleCount)
        writer.write(UInt64(summary.byteCount))
    }
}
