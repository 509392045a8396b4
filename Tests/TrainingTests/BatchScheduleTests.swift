import Tensors
import Testing

@testable import Training

@Suite struct BatchScheduleTests {
    @Test func `the generator gives the published numbers`() {
        // The first outputs of SplitMix64 for seed 1234567, as Rosetta Code and others list them.
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
    }

    @Test func `numbers below a bound are spread evenly`() {
        var generator = SplitMix64(seed: 7)
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<6_000 { counts[generator.number(below: 6)] += 1 }
        #expect(counts.allSatisfy { (850...1_150).contains($0) })
    }

    @Test func `every epoch sees every row once in an order of its own`() {
        var schedule = BatchSchedule(rowCount: 10, batchSize: 4, seed: 3)
        let rows = (0..<5).flatMap { schedule.rows(ofStep: $0) }
        #expect(rows[0..<10].sorted() == Array(0..<10))
        #expect(rows[10..<20].sorted() == Array(0..<10))
        #expect(rows[0..<10] != rows[10..<20])
        #expect(Array(rows[0..<10]) != Array(0..<10))
    }

    @Test func `a step has the same rows however it is reached`() {
        var walked = BatchSchedule(rowCount: 7, batchSize: 3, seed: 11)
        let all = (0..<20).map { walked.rows(ofStep: $0) }
        var jumping = BatchSchedule(rowCount: 7, batchSize: 3, seed: 11)
        for step in [19, 0, 7, 6, 19, 2] {
            #expect(jumping.rows(ofStep: step) == all[step])
        }
    }

    @Test func `another seed gives another order`() {
        var first = BatchSchedule(rowCount: 50, batchSize: 50, seed: 1)
        var second = BatchSchedule(rowCount: 50, batchSize: 50, seed: 2)
        #expect(first.rows(ofStep: 0) != second.rows(ofStep: 0))
    }

    @Test func `the order of a seed never changes between releases`() {
        var schedule = BatchSchedule(rowCount: 8, batchSize: 8, seed: 42)
        #expect(schedule.rows(ofStep: 0) == [4, 2, 5, 1, 7, 0, 6, 3])
    }

    @Test func `a batch larger than the data repeats rows`() {
        var schedule = BatchSchedule(rowCount: 2, batchSize: 5, seed: 0)
        let rows = schedule.rows(ofStep: 0)
        #expect(rows[0..<2].sorted() == [0, 1] && rows[2..<4].sorted() == [0, 1])
    }

    @Test func `a held-out part is never empty, never all, and always the same`() {
        for count in 2...30 {
            for fraction in [0.001, 0.1, 0.5, 1, 7] {
                let part = TrainingData.heldOut(of: count, fraction: fraction, seed: 5)
                #expect((1..<count).contains(part.count))
                #expect(part == TrainingData.heldOut(of: count, fraction: fraction, seed: 5))
                #expect(part.allSatisfy { (0..<count).contains($0) })
            }
        }
        #expect(TrainingData.heldOut(of: 10, fraction: 0, seed: 5).isEmpty)
        #expect(TrainingData.heldOut(of: 1, fraction: 0.5, seed: 5).isEmpty)
        #expect(TrainingData.heldOut(of: 100, fraction: 0.25, seed: 5).count == 25)
        #expect(
            TrainingData.heldOut(of: 100, fraction: 0.25, seed: 5)
                != TrainingData.heldOut(of: 100, fraction: 0.25, seed: 6)
        )
    }
}
