import Checkpoints
import Kernels
import Models
import Testing
import Training

@testable import NodeServices

@Suite struct MemoryGuardTests {
    private func planner(_ megabytes: Int) -> MemoryPlanner {
        var request = PlanningRequest(
            model: ModelOutline(
                configuration: ModelConfiguration(
                    modelType: "llama", hiddenSize: 576, intermediateSize: 1_536, layerCount: 30,
                    attentionHeadCount: 9, keyValueHeadCount: 3, headDimension: 64,
                    vocabularySize: 49_152, positionCountMax: 8_192, rmsNormEpsilon: 1e-5,
                    ropeTheta: 100_000, tiesWordEmbeddings: true),
                bitsPerWeight: 5),
            budget: MemorySize(byteCount: megabytes * 1_000_000))
        request.computeType = .bfloat16
        request.sequenceLength = 128
        return MemoryPlanner(request)
    }

    @Test func `a process within its bound and its machine goes on`() throws {
        let plan = try #require(planner(300).choose())
        let budget = MemorySize(byteCount: 300_000_000)
        let watch = MemoryGuard(plan: plan, budget: budget)
        try watch.check(resident: 300_000_000, available: nil)
        try watch.check(resident: 1, available: plan.peak.byteCount)
        try MemoryGuard(plan: plan, budget: nil).check(resident: 1 << 40, available: nil)
        // Only the first steps are looked at.
        try MemoryGuard(plan: plan, budget: MemorySize(byteCount: 1)).check(afterStep: 3)
    }

    @Test func `more than the bound, or less than the plan needs, is a shortage`() throws {
        let plan = try #require(planner(300).choose())
        let budget = MemorySize(byteCount: 300_000_000)
        let watch = MemoryGuard(plan: plan, budget: budget)
        #expect(
            throws: MemoryShortage(
                residentByteCount: 300_000_001, allowedByteCount: 300_000_000,
                predictedByteCount: plan.peak.byteCount)
        ) { try watch.check(resident: 300_000_001, available: nil) }
        let less = plan.peak.byteCount - 1
        #expect(
            throws: MemoryShortage(
                residentByteCount: 5, allowedByteCount: less,
                predictedByteCount: plan.peak.byteCount)
        ) { try watch.check(resident: 5, available: less) }
        #expect(throws: MemoryShortage.self) {
            try MemoryGuard(plan: plan, budget: MemorySize(byteCount: 1)).check(afterStep: 2)
        }
    }

    @Test(arguments: [0, 40_000_000])
    func `each step down takes less, until nothing is left to give up`(excess: Int) throws {
        var planner = planner(700)
        var plans: [MemoryPlan] = []
        while let plan = planner.choose() {
            if let last = plans.last { #expect(plan.peak.byteCount < last.peak.byteCount + excess) }
            #expect(!plans.contains(plan))
            plans.append(plan)
            try #require(plans.count < 200)
            // What the program takes beyond its prediction is known after the first time.
            let unknown = plans.count == 1 ? excess : 0
            planner = planner.lowered(
                from: plan,
                by: MemoryShortage(
                    residentByteCount: plan.peak.byteCount + unknown,
                    allowedByteCount: plan.peak.byteCount, predictedByteCount: plan.peak.byteCount))
        }
        #expect(plans.first?.method == .lora(layerCount: 30))
        #expect(plans.last?.method == .relay)
    }
}
