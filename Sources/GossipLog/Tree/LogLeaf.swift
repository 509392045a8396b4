public import Cryptography

/// Why the bytes of a leaf were refused.
public enum LeafError: Error, Hashable, Sendable {
    /// More bytes than a leaf may have.
    case tooLong(byteCount: Int, limit: Int)
    /// The bytes don't begin as a leaf of this version does.
    case domain
    /// The bytes end too early.
    case truncated(byteCount: Int)
    /// The byte that says whether an evidence hash follows is neither 0 nor 1.
    case evidenceFlag(UInt8)
    /// Bytes follow after the leaf's end.
    case trailingBytes(count: Int)
}

/// One entry of the log in its canonical form: there is one byte string for each value.
public struct LogLeaf: Hashable, Sendable {
    /// The most bytes of a leaf, so that tlog-tiles bundles can carry it.
    public static let byteCountMax = 65_535
    /// The most bytes of a payload.
    public static let payloadByteCountMax = byteCountMax - fixedByteCount - Digest.byteCount

    /// What the entry records.
    public let kind: LeafKind
    /// The node's clock at the entry, in milliseconds since 1970.
    public let timeMilliseconds: UInt64
    /// What is recorded; its meaning follows from the kind.
    public let payload: [UInt8]
    /// SHA-256 of the raw signed messages behind the entry, kept beside the log; or none.
    public let evidenceHash: Digest?

    /// Makes an entry.
    ///
    /// - Throws: `.tooLong` if the payload has more than `payloadByteCountMax` bytes.
    public init(
        kind: LeafKind, timeMilliseconds: UInt64, payload: [UInt8], evidenceHash: Digest? = nil
    ) throws(LeafError) {
        guard payload.count <= Self.payloadByteCountMax else {
            throw .tooLong(byteCount: payload.count, limit: Self.payloadByteCountMax)
        }
        self.kind = kind
        self.timeMilliseconds = timeMilliseconds
        self.payload = payload
        self.evidenceHash = evidenceHash
    }

    /// Reads a leaf.
    ///
    /// - Throws: what is wrong; nothing but the canonical form is accepted.
    public init(bytes: [UInt8]) throws(LeafError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(byteCount: bytes.count, limit: Self.byteCountMax)
        }
        guard bytes.starts(with: Self.domain) else { throw .domain }
        var reader = ByteReader(bytes)
        guard reader.read(Self.domain.count) != nil, let kind = reader.readUInt16(),
            let time = reader.readUInt64(), let payloadCount = reader.readUInt16(),
            let payload = reader.read(Int(payloadCount)), let flag = reader.readUInt8()
        else { throw .truncated(byteCount: bytes.count) }
        guard flag <= 1 else { throw .evidenceFlag(flag) }
        if flag == 1 {
            guard let hash = reader.read(Digest.byteCount) else {
                throw .truncated(byteCount: bytes.count)
            }
            evidenceHash = Digest(bytes: hash)
        } else {
            evidenceHash = nil
        }
        guard reader.remainingCount == 0 else {
            throw .trailingBytes(count: reader.remainingCount)
        }
        self.kind = LeafKind(rawValue: kind)
        timeMilliseconds = time
        self.payload = Array(payload)
    }

    /// The canonical bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.domain)
        writer.append(kind.rawValue)
        writer.append(timeMilliseconds)
        writer.append(UInt16(payload.count))
        writer.append(payload)
        writer.append(evidenceHash == nil ? UInt8(0) : 1)
        writer.append(evidenceHash?.bytes ?? [])
        return writer.bytes
    }

    /// The key under which the evidence is stored: the bytes of its hash.
    public var evidenceKey: [UInt8]? { evidenceHash?.bytes }

    private static let domain = Array("starling/leaf/1\0".utf8)
    /// Domain, kind, time, payload length and evidence flag.
    private static let fixedByteCount = 16 + 2 + 8 + 2 + 1
}
