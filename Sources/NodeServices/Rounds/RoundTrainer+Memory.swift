internal import Checkpoints
internal import Kernels
internal import Logging
internal import Training

/// A node that has too little memory to train takes part without.
struct TooLittleMemory: Error {}

extension RoundTrainer {
    /// Compares what is resident with the plan, in the first steps that it is followed.
    ///
    /// - Throws: ``MemoryShortage``.
    func checkMemory() throws(MemoryShortage) {
        guard let plan = work?.plan, watchedStepCount <= MemoryGuard.stepCount else { return }
        watchedStepCount += 1
        try MemoryGuard(plan: plan, budget: lowering?.budget).check(afterStep: watchedStepCount)
    }

    /// Takes up a plan that takes less, or none.
    func stepDown(_ shortage: MemoryShortage) async {
        guard let plan = work?.plan, var lowering else { return }
        running = nil
        model = nil
        work = nil
        FloatBuffer.releaseFreeMemory()
        watchedStepCount = 0
        lowering.planner = lowering.planner.lowered(from: plan, by: shortage)
        self.lowering = lowering
        let next = try? lowering.planner.choose()
        lowering.work.options.report(
            .steppedDown(shortage, from: plan, to: next, layerCount: setup.adapter.model.layerCount)
        )
        guard let next, next.method != .relay else { return }
        do {
            work = try await lowering.work.work(next)
        } catch {
            logger.error("the lower plan can't be followed", metadata: ["reason": "\(error)"])
        }
    }
}
