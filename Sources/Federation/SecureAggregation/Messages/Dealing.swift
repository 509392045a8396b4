internal import Cryptography

/// M2, broadcast: the commitments to both polynomials; the first one of sk is in the join.
struct SecureDeal: SecureBody {
    static let kind = SecureFrame.Kind.deal
    /// A_1 to A_(t-1), then B_0 to B_(t-1).
    let points: [[UInt8]]

    init(points: [[UInt8]]) {
        self.points = points
    }

    func write(to writer: inout CanonicalWriter) {
        for point in points { writer.write(raw: point) }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        var points: [[UInt8]] = []
        while reader.remainingCount > 0 {
            points.append(try reader.read(rawCount: RistrettoPoint.byteCount))
        }
        self.points = points
    }
}

/// M2, to one member: its shares of both secrets, encrypted.
struct SecureShare: SecureBody {
    static let kind = SecureFrame.Kind.share
    static let boxByteCount = 64 + XChaChaPoly.tagByteCount
    let recipient: Int
    let nonce: [UInt8]
    let box: [UInt8]

    init(recipient: Int, nonce: [UInt8], box: [UInt8]) {
        self.recipient = recipient
        self.nonce = nonce
        self.box = box
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(index: recipient)
        writer.write(raw: nonce)
        writer.write(raw: box)
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        recipient = try reader.readIndex()
        nonce = try reader.read(rawCount: XChaChaPoly.nonceByteCount)
        box = try reader.read(rawCount: Self.boxByteCount)
    }
}

/// Members with the short hash of what each dealt, ascending.
struct DealList: Hashable, Sendable {
    let entries: [Entry]

    struct Entry: Hashable, Sendable {
        let dealer: Int
        let hash: [UInt8]
    }

    /// The dealers; `nil` where they are not ascending members of a group of that size.
    func dealers(memberCount: Int) -> MemberSet? {
        var set = MemberSet()
        var last = 0
        for entry in entries {
            guard entry.dealer > last, entry.dealer <= memberCount else { return nil }
            last = entry.dealer
            set.insert(last)
        }
        return set
    }

    func hash(of dealer: Int) -> [UInt8]? {
        entries.first { $0.dealer == dealer }?.hash
    }

    func write(to writer: inout CanonicalWriter) {
        writer.write(index: entries.count)
        for entry in entries {
            writer.write(index: entry.dealer)
            writer.write(raw: entry.hash)
        }
    }

    init(entries: [Entry]) {
        self.entries = entries
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        let count = try reader.readItemCount(
            max: SecureThresholds.memberCountMax, itemByteCount: 18)
        var entries: [Entry] = []
        for _ in 0..<count {
            entries.append(
                Entry(dealer: try reader.readIndex(), hash: try reader.read(rawCount: 16)))
        }
        self.entries = entries
    }
}

/// M3: whose shares opened and fit their commitments.
struct SecureDealAck: SecureBody {
    static let kind = SecureFrame.Kind.dealAck
    let deals: DealList

    init(deals: DealList) { self.deals = deals }
    func write(to writer: inout CanonicalWriter) { deals.write(to: &writer) }
    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        deals = try DealList(reading: &reader)
    }
}

/// M3, from the proposer: the survivors U2, whose secrets any threshold of them can rebuild.
struct SecureSurvivors: SecureBody {
    static let kind = SecureFrame.Kind.survivors
    let deals: DealList

    init(deals: DealList) { self.deals = deals }
    func write(to writer: inout CanonicalWriter) { deals.write(to: &writer) }
    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        deals = try DealList(reading: &reader)
    }
}
