/// The keys of what a node remembers of its secure rounds; nothing secret is among it.
public enum SecureRecords {
    static let prefix = "secure/"

    /// The group's name that was agreed to last.
    static func rosterAck(_ round: UInt64) -> String { "\(prefix)\(round)/roster-ack" }
    /// One byte: 1 before masked bytes leave.
    static func phase(_ round: UInt64) -> String { "\(prefix)\(round)/phase" }
    /// BLAKE2b-256 of the commit that this node signed.
    static func commit(_ round: UInt64) -> String { "\(prefix)\(round)/commit" }
    /// The digest of the certified adapter.
    static func result(_ round: UInt64) -> String { "\(prefix)\(round)/result" }

    /// Whether the update of that round may have left this node, masked, and must never be
    /// contributed again.
    public static func isUpdateSpent(round: UInt64, in records: [String: [UInt8]]) -> Bool {
        records[phase(round)] != nil || records[commit(round)] != nil
    }

    /// Whether this node has signed anything for that round: then it signs nothing more.
    static func hasTakenPart(round: UInt64, in records: [String: [UInt8]]) -> Bool {
        [rosterAck(round), phase(round), commit(round), result(round)]
            .contains { records[$0] != nil }
    }

    /// The keys of rounds before that one, which may be removed.
    public static func keys(before round: UInt64, in records: [String: [UInt8]]) -> [String] {
        records.keys.filter { key in
            guard key.hasPrefix(prefix),
                let number = key.dropFirst(prefix.count).split(separator: "/").first,
                let value = UInt64(number)
            else { return false }
            return value < round
        }.sorted()
    }
}
