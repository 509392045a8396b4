internal import JSONDocuments

/// A local run between two steps: all that the rest of it depends on.
///
/// As a file, little-endian, in this order:
///
/// | bytes | field |
/// |---|---|
/// | 4 | `53 54 43 4B`, "STCK" |
/// | 2 + 2 | version 1, then zero |
/// | 8 | n, the bytes of the header |
/// | n | the header: JSON, see ``RunCheckpoint/identity`` and the fields beside it |
/// | 8 | m, the bytes of the snapshot |
/// | m | the trainer's snapshot, see ``LocalTrainer/snapshot()`` |
/// | 8 | a fingerprint of all bytes before, which tells damage |
public struct RunCheckpoint: Hashable, Sendable {
    /// The steps that are done.
    public let step: Int
    /// The run that it belongs to.
    public let identity: RunIdentity
    /// When the run stops early, if it ever does.
    public let stopping: EarlyStopping?
    /// The evaluation before the first step.
    public let before: Evaluation?
    /// The seconds that the run has taken so far.
    public let seconds: Double
    /// The trainer's state.
    public let snapshot: [UInt8]

    /// Makes a checkpoint.
    public init(
        step: Int,
        identity: RunIdentity,
        stopping: EarlyStopping? = nil,
        before: Evaluation? = nil,
        seconds: Double = 0,
        snapshot: [UInt8]
    ) {
        self.step = step
        self.identity = identity
        self.stopping = stopping
        self.before = before
        self.seconds = seconds
        self.snapshot = snapshot
    }

    static let magic: [UInt8] = [0x53, 0x54, 0x43, 0x4B]
    static let version: UInt64 = 1
    /// The names and values of a run take a few kilobytes.
    static let headerByteCountMax = 1 << 20
    /// Magic and version, two lengths and the fingerprint.
    private static let frameByteCount = 32

    /// The bytes of the file.
    func encoded() -> [UInt8] {
        let header = header.encoded()
        var bytes = Self.magic
        bytes.reserveCapacity(Self.frameByteCount + header.count + snapshot.count)
        Self.append(Self.version, byteCount: 4, to: &bytes)
        Self.append(UInt64(header.count), to: &bytes)
        bytes += header
        Self.append(UInt64(snapshot.count), to: &bytes)
        bytes += snapshot
        Self.append(Self.fingerprint(of: bytes[...]), to: &bytes)
        return bytes
    }

    /// Reads a file's bytes; lengths are compared with what is there before anything is taken.
    init(decoding bytes: [UInt8]) throws(RunCheckpointError.Damage) {
        guard bytes.starts(with: Self.magic), bytes.count >= Self.frameByteCount else {
            throw .notACheckpoint
        }
        let version = Self.read(bytes, at: 4, byteCount: 4)
        guard version == Self.version else { throw .versionUnknown(version: Int(version)) }
        let body = bytes.dropLast(8)
        guard Self.fingerprint(of: body) == Self.read(bytes, at: body.endIndex) else {
            throw .altered
        }
        let headerByteCount = Self.read(bytes, at: 8)
        guard headerByteCount <= UInt64(bytes.count - Self.frameByteCount) else { throw .altered }
        let headerEnd = 16 + Int(headerByteCount)
        let snapshotStart = headerEnd + 8
        guard Self.read(bytes, at: headerEnd) == UInt64(body.endIndex - snapshotStart) else {
            throw .altered
        }
        guard let value = try? JSONValue(parsing: Array(bytes[16..<headerEnd])) else {
            throw .altered
        }
        try self.init(header: value, snapshot: Array(body[snapshotStart...]))
    }

    private static func fingerprint(of bytes: ArraySlice<UInt8>) -> UInt64 {
        var fingerprint = Fingerprint()
        unsafe bytes.withUnsafeBytes { unsafe fingerprint.add($0) }
        return fingerprint.value
    }

    private static func append(_ value: UInt64, byteCount: Int = 8, to bytes: inout [UInt8]) {
        for index in 0..<byteCount {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index)))
        }
    }

    private static func read(_ bytes: [UInt8], at offset: Int, byteCount: Int = 8) -> UInt64 {
        (0..<byteCount).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
}
