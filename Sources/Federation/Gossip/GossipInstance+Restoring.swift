internal import Cryptography

extension GossipInstance {
    /// Takes over what was persisted.
    mutating func restore(_ records: [String: [UInt8]]) throws(RestoreError) {
        var memberships: [RosterShare] = []
        for (key, value) in records.sorted(by: { $0.key < $1.key }) {
            do {
                if key.hasPrefix(DurableRecord.rosterPrefix) {
                    memberships.append(try Self.membership(in: value))
                } else {
                    try restore(key: key, value: value)
                }
            } catch {
                throw .recordInvalid(key: key)
            }
        }
        roster.restore(memberships)
    }

    private mutating func restore(key: String, value: [UInt8]) throws {
        switch key {
        case DurableRecord.progress:
            progress = try GossipProgress(bytes: value)
            // It is stored before the record is.
            holdsState = true
        case DurableRecord.ownState:
            var reader = CanonicalReader(value)
            let state = try reader.readDigest()
            let announcement = try Self.announcement(
                in: try reader.read(rawCount: reader.remainingCount))
            ownState = OwnState(state: state, announcement: announcement, announcedAt: now)
        case DurableRecord.ownAnnouncement:
            ownAnnouncement = try Self.announcement(in: value)
        case DurableRecord.retained:
            retained = try RetainedRound.rounds(bytes: value)
        case _ where key.hasPrefix(DurableRecord.takenPrefix):
            let announcement = try Self.announcement(in: value)
            let summary = announcement.summary
            seen[summary.member] = SeenMember(
                newestTaken: summary.round, recent: [announcement])
        case _ where key.hasPrefix(DurableRecord.inputPrefix):
            let announcement = try Self.announcement(in: value)
            inputs[announcement.summary.member] = GossipInput(announcement: announcement)
        case _ where key.hasPrefix(DurableRecord.equivocatorPrefix):
            let hexadecimal = String(key.dropFirst(DurableRecord.equivocatorPrefix.count))
            guard let bytes = Hexadecimal.decode(hexadecimal), let member = PublicKey(bytes: bytes)
            else { throw RejectReason.malformed }
            equivocators.insert(member)
        default:
            break
        }
    }

    private static func membership(in bytes: [UInt8]) throws -> RosterShare {
        guard case .roster(let share) = try MessageCodec.decode(bytes) else {
            throw RejectReason.malformed
        }
        return share
    }

    private static func announcement(in bytes: [UInt8]) throws -> SignedAnnouncement {
        guard case .announcement(let announcement) = try MessageCodec.decode(bytes) else {
            throw RejectReason.malformed
        }
        return announcement
    }
}
