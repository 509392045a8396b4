public import Training

/// Less memory than a plan counted on: it took more than was predicted, or others took it.
public struct MemoryShortage: Error, Hashable, Sendable {
    /// What the process has resident.
    public let residentByteCount: Int
    /// What it may have.
    public let allowedByteCount: Int
    /// What was predicted.
    public let predictedByteCount: Int

    /// Tells what happened, in a sentence.
    public func sentence(_ plan: MemoryPlan) -> String {
        func size(_ byteCount: Int) -> String { MemorySize(byteCount: max(1, byteCount)).rounded }
        return
            "\(size(residentByteCount)) are in use where \(size(allowedByteCount)) may be and "
            + "\(size(predictedByteCount)) were predicted; goes on with less"
    }
}

/// Compares what a plan takes with what it was predicted to take, before and after the first steps.
///
/// After two steps every buffer of training has been there: a plan that fits then goes on fitting.
public struct MemoryGuard: Sendable {
    /// The plan.
    public let plan: MemoryPlan
    /// The bound that a person set; `nil` for the machine's alone.
    public let budget: MemorySize?

    /// The steps after which it looks.
    public static let stepCount = 2

    /// Makes a guard.
    public init(plan: MemoryPlan, budget: MemorySize?) {
        self.plan = plan
        self.budget = budget
    }

    /// Looks, if it is time to: before the first step and after the first ones.
    ///
    /// - Throws: ``MemoryShortage`` where the process has more resident than it may, or the machine
    ///   no longer has what the plan still needs.
    public func check(afterStep step: Int) throws(MemoryShortage) {
        guard step <= Self.stepCount else { return }
        try check(
            resident: ProcessMemory.residentByteCount(),
            available: AvailableMemory.current?.byteCount)
    }

    func check(resident: Int, available: Int?) throws(MemoryShortage) {
        let allowed = min(budget?.byteCount ?? .max, available ?? .max)
        guard resident > allowed || plan.peak.byteCount > available ?? .max else { return }
        throw MemoryShortage(
            residentByteCount: resident, allowedByteCount: allowed,
            predictedByteCount: plan.peak.byteCount)
    }
}

extension MemoryPlanner {
    /// A planner that knows what a shortage taught: that the program takes more, or that there is
    /// less.
    ///
    /// Its choice is predicted to take less than the plan that failed.
    public func lowered(from plan: MemoryPlan, by shortage: MemoryShortage) -> MemoryPlanner {
        var request = request
        let excess = max(0, shortage.residentByteCount - shortage.predictedByteCount)
        request.program.base += excess
        let below = plan.peak.byteCount + excess - 1
        let allowed = min(shortage.allowedByteCount, request.budget?.byteCount ?? .max)
        request.budget = MemorySize(
            byteCount: max(1, min(allowed, Int(Double(below) / Self.usableShare))))
        return MemoryPlanner(request)
    }
}
