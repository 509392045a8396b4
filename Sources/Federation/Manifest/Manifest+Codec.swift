internal import Cryptography

extension Manifest {
    static let domain: StaticString = "starling/manifest/1"
    /// The longest manifest that is read: far above what the ranges allow to be written.
    public static let byteCountMax = 8192

    /// The one byte sequence of these settings; ``digest`` is its hash.
    public var canonicalBytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(version)
        writer.write(name)
        writer.write(raw: baseModelDigest.bytes)
        writer.write(baseModelName)
        writer.write(raw: tokenizerDigest.bytes)
        writer.write(raw: initialAdapterDigest.bytes)
        writer.write(count: adapter.rank)
        writer.write(adapter.alpha)
        writer.write(count: adapter.targets.count)
        for target in adapter.targets { writer.write(target) }
        writer.write(UInt8(adapter.usesRankStabilization ? 1 : 0))
        writer.write(adapter.initializationSeed)
        writer.write(count: training.roundCount)
        writer.write(count: training.localStepCount)
        writer.write(count: training.batchSize)
        writer.write(count: training.sequenceLength)
        writer.write(training.learningRate)
        writer.write(count: training.warmupStepCount)
        writer.write(training.weightDecay)
        writer.write(count: ring.fractionBitCount)
        writer.write(ring.clipMagnitude)
        writer.write(count: ring.weightUnit)
        writer.write(normBound)
        writer.write(count: membership.startMemberCount)
        writer.write(count: membership.quorumMinimum)
        writer.write(count: membership.absentRoundCountMax)
        writer.write(UInt64(updateByteCountMax))
        writer.write(raw: author.bytes)
        writer.write(createdAtSeconds)
        if allowsParts {
            aggregation.write(to: &writer)
            READSettings.write(read, to: &writer)
        }
        if version > Self.aggregationVersion { exchange.write(to: &writer) }
        if version > Self.exchangeVersion { SecureSettings.write(secure, to: &writer) }
        if version > Self.secureVersion {
            RobustnessSettings.write(aggregation.robustness, to: &writer)
        }
        admission?.write(to: &writer)
        return writer.bytes
    }

    /// Reads canonical bytes; others that would mean the same are refused.
    ///
    /// - Throws: every case of `ManifestError` but `signatureInvalid`.
    public init(canonicalBytes: [UInt8]) throws(ManifestError) {
        guard canonicalBytes.count <= Self.byteCountMax else {
            throw .unreadable(
                .tooLong(offset: 0, count: canonicalBytes.count, allowed: Self.byteCountMax))
        }
        try self.init(reading: canonicalBytes)
        guard self.canonicalBytes == canonicalBytes else { throw .notCanonical }
    }

    private init(reading bytes: [UInt8]) throws(ManifestError) {
        do {
            var reader = try CanonicalReader(bytes, domain: Self.domain)
            let version = try reader.read(UInt16.self)
            guard (Self.firstVersion...Self.currentVersion).contains(version) else {
                throw ManifestError.unknownVersion(version)
            }
            let name = try reader.readText(max: 64)
            let baseModelDigest = try reader.readDigest()
            let baseModelName = try reader.readText(max: 256)
            let tokenizerDigest = try reader.readDigest()
            let initialAdapterDigest = try reader.readDigest()
            let adapter = try AdapterSettings(reading: &reader)
            let training = try TrainingSettings(reading: &reader)
            let ring = RingSettings(
                fractionBitCount: Int(try reader.read(UInt32.self)),
                clipMagnitude: try reader.readDouble(),
                weightUnit: Int(try reader.read(UInt32.self)))
            let normBound = try reader.readDouble()
            let membership = MembershipSettings(
                startMemberCount: Int(try reader.read(UInt32.self)),
                quorumMinimum: Int(try reader.read(UInt32.self)),
                absentRoundCountMax: Int(try reader.read(UInt32.self)))
            let updateByteCountMax = Int(clamping: try reader.read(UInt64.self))
            let author = try reader.readKey()
            let createdAtSeconds = try reader.read(UInt64.self)
            var aggregation =
                version == Self.firstVersion
                ? .factorMean : try AggregationSettings(reading: &reader)
            let read =
                version == Self.firstVersion ? nil : try READSettings.read(&reader)
            let exchange =
                version > Self.aggregationVersion
                ? try ExchangeSettings(reading: &reader) : .group
            let secure =
                version > Self.exchangeVersion ? try SecureSettings.read(&reader) : nil
            if version > Self.secureVersion {
                aggregation.robustness = try RobustnessSettings.read(&reader)
            }
            let admission =
                version > Self.robustnessVersion ? try AdmissionSettings(reading: &reader) : nil
            try reader.finish()
            try self.init(
                name: name, baseModelDigest: baseModelDigest, baseModelName: baseModelName,
                tokenizerDigest: tokenizerDigest, initialAdapterDigest: initialAdapterDigest,
                adapter: adapter, training: training, ring: ring, normBound: normBound,
                membership: membership, updateByteCountMax: updateByteCountMax, author: author,
                createdAtSeconds: createdAtSeconds, aggregation: aggregation, read: read,
                exchange: exchange, secure: secure, admission: admission)
        } catch let error as CanonicalError {
            throw .unreadable(error)
        } catch let error as ManifestError {
            throw error
        } catch {
            throw .notCanonical
        }
    }
}

extension Manifest.AdapterSettings {
    fileprivate init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        let rank = Int(try reader.read(UInt32.self))
        let alpha = try reader.readDouble()
        var targets: [String] = []
        for _ in 0..<(try reader.readCount(max: 16, itemByteCount: 5)) {
            targets.append(try reader.readText(max: 64))
        }
        self.init(
            rank: rank, alpha: alpha, targets: targets,
            usesRankStabilization: try reader.readBool(),
            initializationSeed: try reader.read(UInt64.self))
    }
}

extension Manifest.TrainingSettings {
    fileprivate init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        self.init(
            roundCount: Int(try reader.read(UInt32.self)),
            localStepCount: Int(try reader.read(UInt32.self)),
            batchSize: Int(try reader.read(UInt32.self)),
            sequenceLength: Int(try reader.read(UInt32.self)),
            learningRate: try reader.readDouble(),
            warmupStepCount: Int(try reader.read(UInt32.self)),
            weightDecay: try reader.readDouble())
    }
}
