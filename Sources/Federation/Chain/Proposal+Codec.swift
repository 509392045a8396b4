public import Cryptography

extension Proposal {
    static let domain: StaticString = "starling/proposal/1"
    /// 64 participants of 148 bytes, 64 absences, joins and departures of about 105, and a summary
    /// of 64 keys: below this.
    static let byteCountMax = 32 * 1024

    /// The one byte sequence of this proposal.
    public var canonicalBytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(raw: manifestDigest.bytes)
        writer.write(height)
        writer.write(raw: previousDigest.bytes)
        writer.write(code)
        writer.write(round)
        writer.write(raw: baseAdapterDigest.bytes)
        writer.write(count: participants.count)
        for participant in participants {
            writer.write(raw: participant.summary.member.bytes)
            writer.write(raw: participant.summary.objectID.bytes)
            writer.write(count: participant.summary.exampleCount)
            writer.write(UInt64(participant.summary.byteCount))
            writer.write(raw: participant.signature)
        }
        writer.write(count: absences.count)
        for absence in absences {
            writer.write(raw: absence.member.bytes)
            writer.write(absence.reason.code)
            writer.write(absence.reason.detail)
        }
        writer.write(count: joins.count)
        for join in joins {
            writer.write(raw: join.member.bytes)
            writer.write(join.height)
            writer.write(raw: join.signature)
        }
        writer.write(count: departures.count)
        for departure in departures { departure.write(to: &writer) }
        if case .summed(let summary) = secure { writer.write(summary) }
        return writer.bytes
    }

    private var code: UInt8 {
        switch (kind, secure) {
        case (.membership, _): 1
        case (.round, nil): 2
        case (.round, .summed): 3
        case (.round, .lost): 4
        }
    }

    /// The digest that commits and results name.
    public var digest: Digest { Hashing.blake2b256(canonicalBytes) }

    /// Reads canonical bytes.
    ///
    /// Order and membership are the chain's business, not this one's.
    init(canonicalBytes: [UInt8]) throws(CanonicalError) {
        guard canonicalBytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: canonicalBytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(canonicalBytes, domain: Self.domain)
        manifestDigest = try reader.readDigest()
        height = try reader.read()
        previousDigest = try reader.readDigest()
        let kindOffset = reader.offset
        let code = try reader.read(UInt8.self)
        let round = try reader.read(UInt64.self)
        switch (code, round) {
        case (1, 0): kind = .membership
        case (2...4, 1...): kind = .round(round)
        default: throw .malformed(offset: kindOffset)
        }
        let base = try reader.readDigest()
        baseAdapterDigest = base
        participants = try Self.readParticipants(&reader, round: round, base: base)
        absences = try Self.readAbsences(&reader)
        joins = try Self.readJoins(&reader)
        departures = try Self.readDepartures(&reader)
        switch code {
        case 3: secure = .summed(try reader.readSecureSummary())
        case 4: secure = .lost
        default: secure = nil
        }
        try reader.finish()
    }

    private static func readParticipants(
        _ reader: inout CanonicalReader, round: UInt64, base: ObjectID
    ) throws(CanonicalError) -> [SignedAnnouncement] {
        var items: [SignedAnnouncement] = []
        for _ in 0..<(try reader.readCount(max: Manifest.memberCountMax, itemByteCount: 140)) {
            let member = try reader.readKey()
            let objectID = try reader.readDigest()
            let exampleCount = Int(try reader.read(UInt32.self))
            let offset = reader.offset
            // A count that no object has would be read as another one, and written as that.
            guard let byteCount = Int(exactly: try reader.read(UInt64.self)) else {
                throw .malformed(offset: offset)
            }
            let summary = UpdateSummary(
                objectID: objectID, member: member, round: round, baseAdapterDigest: base,
                exampleCount: exampleCount, byteCount: byteCount)
            items.append(
                SignedAnnouncement(summary: summary, signature: try reader.readSignature()))
        }
        return items
    }

    private static func readAbsences(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> [RoundReport.Absence] {
        var items: [RoundReport.Absence] = []
        for _ in 0..<(try reader.readCount(max: Manifest.memberCountMax, itemByteCount: 36)) {
            let member = try reader.readKey()
            let offset = reader.offset
            let code = try reader.read(UInt16.self)
            guard let reason = AbsenceReason(code: code, detail: try reader.read()) else {
                throw .malformed(offset: offset)
            }
            items.append(RoundReport.Absence(member: member, reason: reason))
        }
        return items
    }

    private static func readJoins(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> [SignedJoin] {
        var items: [SignedJoin] = []
        for _ in 0..<(try reader.readCount(max: Manifest.memberCountMax, itemByteCount: 104)) {
            items.append(
                SignedJoin(
                    member: try reader.readKey(), height: try reader.read(),
                    signature: try reader.readSignature()))
        }
        return items
    }

    private static func readDepartures(
        _ reader: inout CanonicalReader
    ) throws(CanonicalError) -> [Departure] {
        var items: [Departure] = []
        for _ in 0..<(try reader.readCount(max: Manifest.memberCountMax, itemByteCount: 37)) {
            items.append(try Departure(reading: &reader))
        }
        return items
    }
}

extension Proposal.Departure {
    fileprivate func write(to writer: inout CanonicalWriter) {
        writer.write(raw: member.bytes)
        switch reason {
        case .announced(let leave):
            writer.write(UInt8(1))
            writer.write(leave.memberSince)
            writer.write(raw: leave.signature)
        case .silentRounds(let count):
            writer.write(UInt8(2))
            writer.write(count: count)
        case .revoked(let revocation):
            writer.write(UInt8(3))
            writer.write(prefixed: revocation.bytes)
        }
    }

    fileprivate init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        member = try reader.readKey()
        let offset = reader.offset
        switch try reader.read(UInt8.self) {
        case 1:
            reason = .announced(
                SignedLeave(
                    member: member, memberSince: try reader.read(),
                    signature: try reader.readSignature()))
        case 2:
            reason = .silentRounds(Int(try reader.read(UInt32.self)))
        case 3:
            reason = .revoked(
                try SignedRevocation(
                    bytes: reader.readPrefixed(max: SignedRevocation.byteCountMax)))
        default:
            throw .malformed(offset: offset)
        }
    }
}
