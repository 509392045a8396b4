internal import Cryptography

extension Manifest {
    /// How a federation sums updates that nobody sees.
    public struct SecureSettings: Hashable, Sendable {
        /// The least number of updates in a sum, 3...64.
        ///
        /// 5: with it a group that hides one member among four others tolerates one that lies.
        /// Below that groups are small, and every node says so at each start.
        public var memberMinimum: Int

        /// Takes the setting; the range is checked by the manifest.
        public init(memberMinimum: Int = SecureThresholds.memberMinimumDefault) {
            self.memberMinimum = memberMinimum
        }

        /// Whether a sum may hold fewer updates than the default asks for.
        public var allowsSmallGroups: Bool {
            memberMinimum < SecureThresholds.memberMinimumDefault
        }
    }

    /// The aggregators that need no more than a sum.
    public static let secureAggregators: Set<String> = Set(
        AggregatorRegistry.all.filter {
            $0.value is any LinearAggregator.Type || $0.value is SketchedMean.Type
        }.keys)

    /// These settings without what makes the rounds secure.
    ///
    /// Members draw their rows and roundings from its digest, so that a federation trains the same
    /// updates whether or not it hides them.
    public var openCounterpart: Manifest {
        var counterpart = self
        counterpart.secure = nil
        return counterpart
    }

    /// The digest that draws are seeded with, given the manifest's own: that of the counterpart.
    func drawingDigest(of digest: Digest) -> Digest {
        secure == nil ? digest : openCounterpart.digest
    }

    func checkSecure() throws(ManifestError) {
        guard let secure else { return }
        let range = SecureThresholds.memberCountMin...SecureThresholds.memberCountMax
        try check(secure.memberMinimum, in: range, .memberMinimum)
        try check(
            membership.startMemberCount, in: secure.memberMinimum...Self.memberCountMax,
            .startMemberCount)
        guard exchange.kind == .group else {
            throw .secureNeeds("all members in one group, not \(exchange.kind)")
        }
        guard Self.secureAggregators.contains(aggregation.aggregator) else {
            let names = Self.secureAggregators.sorted().joined(separator: ", ")
            throw .secureNeeds("an aggregator of sums (\(names)), not \(aggregation.aggregator)")
        }
        guard aggregation.wireForm == .ring32 else {
            throw .secureNeeds("updates in ring integers, not \(aggregation.wireForm)")
        }
        guard !aggregation.normalizesSteps, !aggregation.usesControlVariates else {
            throw .secureNeeds("neither FedNova nor SCAFFOLD, which look at single updates")
        }
        let magnitude = (ring.clipMagnitude * Double(1 << ring.fractionBitCount)).rounded(.up)
        guard Double(Self.memberCountMax) * magnitude < 2_147_483_648,
            Double(ring.weightUnit) <= magnitude
        else {
            throw .outOfRange(
                field: .weightUnit, actual: "\(ring.weightUnit)",
                allowed: "at most \(Int(magnitude)), what an element can be")
        }
    }
}

extension Manifest.SecureSettings {
    static func write(_ settings: Self?, to writer: inout CanonicalWriter) {
        writer.write(UInt8(settings == nil ? 0 : 1))
        if let settings { writer.write(count: settings.memberMinimum) }
    }

    static func read(_ reader: inout CanonicalReader) throws(CanonicalError) -> Self? {
        guard try reader.readBool() else { return nil }
        return Self(memberMinimum: Int(try reader.read(UInt32.self)))
    }
}
