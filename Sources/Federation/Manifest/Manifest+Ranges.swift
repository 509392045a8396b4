extension Manifest {
    /// Throws for the first field outside its range.
    func checkRanges() throws(ManifestError) {
        try check(name.utf8.count, in: 1...64, .name)
        try check(baseModelName.utf8.count, in: 1...256, .baseModelName)
        try checkAdapter()
        try checkTraining()
        try checkRing()
        guard normBound.isFinite, normBound > 0 else {
            throw .outOfRange(field: .normBound, actual: "\(normBound)", allowed: "above 0")
        }
        try check(membership.startMemberCount, in: 1...Self.memberCountMax, .startMemberCount)
        try check(membership.quorumMinimum, in: 1...membership.startMemberCount, .quorumMinimum)
        try check(membership.absentRoundCountMax, in: 1...1000, .absentRoundCountMax)
        try check(updateByteCountMax, in: 1...(1 << 32), .updateByteCountMax)
        try checkAggregation()
        try checkExchange()
        try checkSecure()
        try checkAdmission()
        try checkRobustness()
        guard let read else { return }
        try check(read.stateSize, in: 1...16_384, .readStateSize)
        try check(read.learningRate, above: 0, atMost: 1, .readLearningRate)
    }

    private func checkAggregation() throws(ManifestError) {
        guard AggregatorRegistry.all[aggregation.aggregator] != nil else {
            throw .unknownAggregator(aggregation.aggregator)
        }
        try check(aggregation.outerLearningRate, above: 0, atMost: 2, .outerLearningRate)
        guard aggregation.outerMomentum >= 0, aggregation.outerMomentum < 1 else {
            throw .outOfRange(
                field: .outerMomentum, actual: "\(aggregation.outerMomentum)",
                allowed: "0 and more, below 1")
        }
        guard aggregation.proximalStrength >= 0, aggregation.proximalStrength <= 100 else {
            throw .outOfRange(
                field: .proximalStrength, actual: "\(aggregation.proximalStrength)",
                allowed: "0...100")
        }
    }

    private func check(
        _ value: Double, above least: Double, atMost greatest: Double,
        _ field: ManifestError.Field
    ) throws(ManifestError) {
        guard value > least, value <= greatest else {
            throw .outOfRange(
                field: field, actual: "\(value)", allowed: "above \(least), at most \(greatest)")
        }
    }

    private func checkAdapter() throws(ManifestError) {
        try check(adapter.rank, in: 1...1024, .rank)
        guard adapter.alpha.isFinite, adapter.alpha > 0 else {
            throw .outOfRange(field: .alpha, actual: "\(adapter.alpha)", allowed: "above 0")
        }
        try check(adapter.targets.count, in: 1...16, .targets)
        for target in adapter.targets {
            try check(target.utf8.count, in: 1...64, .targets)
        }
        for (left, right) in zip(adapter.targets, adapter.targets.dropFirst())
        where !left.utf8.lexicographicallyPrecedes(right.utf8) {
            throw .outOfRange(
                field: .targets, actual: "\(left), \(right)", allowed: "unique and ascending")
        }
    }

    private func checkTraining() throws(ManifestError) {
        try check(training.roundCount, in: 1...1_000_000, .roundCount)
        try check(training.localStepCount, in: 1...100_000, .localStepCount)
        try check(training.batchSize, in: 1...4096, .batchSize)
        try check(training.sequenceLength, in: 1...131_072, .sequenceLength)
        try check(training.warmupStepCount, in: 0...1_000_000, .warmupStepCount)
        guard training.learningRate > 0, training.learningRate <= 1 else {
            throw .outOfRange(
                field: .learningRate, actual: "\(training.learningRate)",
                allowed: "above 0, at most 1")
        }
        guard training.weightDecay >= 0, training.weightDecay <= 1 else {
            throw .outOfRange(
                field: .weightDecay, actual: "\(training.weightDecay)", allowed: "0...1")
        }
    }

    /// The sum over the most members must fit a signed 32-bit integer.
    private func checkRing() throws(ManifestError) {
        try check(ring.fractionBitCount, in: 8...24, .fractionBitCount)
        let scale = Double(1 << ring.fractionBitCount)
        let greatest = 2_147_483_647 / (scale * Double(Self.memberCountMax))
        guard ring.clipMagnitude > 0, ring.clipMagnitude <= greatest else {
            throw .outOfRange(
                field: .clipMagnitude, actual: "\(ring.clipMagnitude)",
                allowed: "above 0, at most \(greatest)")
        }
        let least = training.localStepCount * training.batchSize
        guard ring.weightUnit >= least, ring.weightUnit <= 1 << 30,
            ring.weightUnit & (ring.weightUnit - 1) == 0
        else {
            throw .outOfRange(
                field: .weightUnit, actual: "\(ring.weightUnit)",
                allowed: "a power of two in \(least)...\(1 << 30)")
        }
    }

    func check(
        _ value: Int, in range: ClosedRange<Int>, _ field: ManifestError.Field
    ) throws(ManifestError) {
        guard range.contains(value) else {
            throw .outOfRange(
                field: field, actual: "\(value)",
                allowed: "\(range.lowerBound)...\(range.upperBound)")
        }
    }
}
