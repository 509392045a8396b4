/// A trainer's state between two steps, as bytes.
///
/// Little-endian, in this order:
///
/// | bytes | field |
/// |---|---|
/// | 4 | `53 54 54 53`, "STTS" |
/// | 2 | version 1 |
/// | 2 | 0, or 1 where there are no moments |
/// | 8 | steps completed |
/// | 8 | steps since the moments were zero; 0 where there are none |
/// | 8 | seed |
/// | 8 | rows of a batch |
/// | 8 | longest row |
/// | 8 | rows of the data |
/// | 8 | n, the parameters |
/// | 8 | FNV-1a of the parameters' names and shapes |
/// | 12 n or 4 n | parameters, first moments, second moments, each n times binary32 |
struct TrainerSnapshot: Hashable {
    static let version: UInt16 = 1
    static let magic: [UInt8] = [0x53, 0x54, 0x54, 0x53]
    static let headerByteCount = 72

    /// The fields that a snapshot must share with the trainer that takes it in.
    struct Identity: Hashable {
        var seed: UInt64
        var batchSize: UInt64
        var sequenceLength: UInt64
        var rowCount: UInt64
        var parameterCount: UInt64
        var parameterLayout: UInt64
    }

    /// What AdamW remembers.
    struct Moments: Hashable {
        var stepCount: Int
        var first: [Float]
        var second: [Float]
    }

    var stepCount: Int
    var identity: Identity
    var parameters: [Float]
    /// `nil` where the optimizer remembers nothing.
    var moments: Moments?

    func encoded() -> [UInt8] {
        let arrays = [parameters] + (moments.map { [$0.first, $0.second] } ?? [])
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerByteCount + 4 * arrays.count * parameters.count)
        bytes += Self.magic
        Self.append(Self.version, to: &bytes)
        Self.append(UInt16(moments == nil ? 1 : 0), to: &bytes)
        Self.append(UInt64(stepCount), to: &bytes)
        Self.append(UInt64(moments?.stepCount ?? 0), to: &bytes)
        for field in [
            identity.seed, identity.batchSize, identity.sequenceLength, identity.rowCount,
            identity.parameterCount, identity.parameterLayout,
        ] {
            Self.append(field, to: &bytes)
        }
        for values in arrays {
            for value in values { Self.append(value.bitPattern, to: &bytes) }
        }
        return bytes
    }

    /// Reads bytes that must belong to `expected`; nothing is allocated before lengths agree.
    init(
        decoding bytes: [UInt8],
        expected: Identity,
        hasMoments: Bool = true
    ) throws(TrainingError) {
        guard bytes.count >= Self.headerByteCount, bytes.starts(with: Self.magic) else {
            throw .notASnapshot
        }
        let version = Self.read(UInt16.self, from: bytes, at: 4)
        guard version == Self.version else {
            throw .snapshotVersionUnknown(version: Int(version))
        }
        guard Self.read(UInt16.self, from: bytes, at: 6) == (hasMoments ? 0 : 1) else {
            throw .notASnapshot
        }
        func field(_ index: Int) -> UInt64 {
            Self.read(UInt64.self, from: bytes, at: 8 + 8 * index)
        }
        let found = Identity(
            seed: field(2),
            batchSize: field(3),
            sequenceLength: field(4),
            rowCount: field(5),
            parameterCount: field(6),
            parameterLayout: field(7)
        )
        try Self.check(found, against: expected)
        let count = Int(expected.parameterCount)
        let byteCount = Self.headerByteCount + 4 * count * (hasMoments ? 3 : 1)
        guard bytes.count == byteCount else {
            throw .snapshotByteCount(expected: byteCount, actual: bytes.count)
        }
        // Steps stay far below the point where a step times a batch would overflow.
        guard let steps = Int(exactly: field(0)), steps <= Self.stepCountMax,
            let momentSteps = Int(exactly: field(1)), momentSteps <= steps
        else { throw .notASnapshot }
        stepCount = steps
        identity = found
        func floats(_ index: Int) throws(TrainingError) -> [Float] {
            let start = Self.headerByteCount + 4 * count * index
            var values: [Float] = []
            values.reserveCapacity(count)
            for offset in stride(from: start, to: start + 4 * count, by: 4) {
                let value = Float(bitPattern: Self.read(UInt32.self, from: bytes, at: offset))
                guard value.isFinite else { throw .notASnapshot }
                values.append(value)
            }
            return values
        }
        parameters = try floats(0)
        guard hasMoments else { return }
        moments = Moments(
            stepCount: momentSteps, first: try floats(1), second: try floats(2))
    }

    init(
        stepCount: Int,
        identity: Identity,
        parameters: [Float],
        moments: Moments?
    ) {
        self.stepCount = stepCount
        self.identity = identity
        self.parameters = parameters
        self.moments = moments
    }

    static let stepCountMax = 1_000_000_000

    private static func check(
        _ found: Identity,
        against expected: Identity
    ) throws(TrainingError) {
        let fields: [(TrainingError.SnapshotField, KeyPath<Identity, UInt64>)] = [
            (.seed, \.seed),
            (.batchSize, \.batchSize),
            (.sequenceLength, \.sequenceLength),
            (.rowCount, \.rowCount),
            (.parameterCount, \.parameterCount),
            (.parameterLayout, \.parameterLayout),
        ]
        for (field, path) in fields where found[keyPath: path] != expected[keyPath: path] {
            throw .snapshotOfOtherRun(
                field: field,
                expected: expected[keyPath: path],
                actual: found[keyPath: path]
            )
        }
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private static func read<Value: FixedWidthInteger>(
        _ type: Value.Type,
        from bytes: [UInt8],
        at offset: Int
    ) -> Value {
        var value: Value = 0
        for index in 0..<(Value.bitWidth / 8) {
            value |= Value(truncatingIfNeeded: bytes[offset + index]) << (8 * index)
        }
        return value
    }
}
