import Federation
import Foundation
import Simulation
import Testing

/// The aggregation methods on the simulated regression.
struct AggregationTrialTests {
    private func outcome(
        _ label: String, isReduced: Bool = true, seeds: ClosedRange<UInt64> = 1...1
    ) throws -> AggregationTrial.Outcome {
        let trial = try #require(
            AggregationTable.trials(shift: 0.3).first { $0.label == label })
        return (isReduced ? trial.reduced : trial).run(seeds: seeds)
    }

    @Test func `after a few rounds the product mean leads where ranks are mixed`() throws {
        let factor = try outcome("factor mean, zero-padded (FedIT)")
        let spectral = try outcome("spectral")
        #expect(spectral.mean < 0.75 * factor.mean)
        #expect(spectral.mean > spectral.floor)
        #expect(spectral.droppedEnergy < 0.05)
    }

    @Test func `a group learns as well from int4 as from ring integers in fewer bytes`()
        throws
    {
        let exact = try outcome("group: spectral")
        let short = try outcome("group: spectral, int4")
        #expect(short.mean < 1.1 * exact.mean)
        #expect(short.byteCount * 2 < exact.byteCount)
        let frozen = try outcome("group: frozen A (FFA)")
        #expect(exact.mean < 0.6 * frozen.mean)
    }

    @Test func `a seed repeats its outcome`() throws {
        let first = try outcome("group: spectral, int8", seeds: 1...1)
        #expect(try outcome("group: spectral, int8", seeds: 1...1) == first)
        #expect(try outcome("group: spectral, int8", seeds: 2...2) != first)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["STARLING_FULL_TABLE"] != nil))
    func `the whole table has the order of the decision page`() throws {
        func full(_ label: String) throws -> Double {
            try outcome(label, isReduced: false, seeds: 1...3).mean
        }
        let factor = try full("factor mean, zero-padded (FedIT)")
        let spectral = try full("spectral")
        #expect((0.25...0.32).contains(factor))
        #expect(spectral <= 0.12)
        #expect(try full("spectral, int8") <= 1.005 * spectral)
        let group = try full("group: spectral")
        #expect(group < spectral)
        #expect(try full("group: spectral, int8") <= 1.01 * group)
        #expect(try full("group: spectral, int4") <= 1.01 * group)
        #expect(try full("all rank 2: spectral") < 0.4 * (try full("all rank 2: factor mean")))
    }
}
