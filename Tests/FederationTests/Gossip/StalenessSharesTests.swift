import Testing

@testable import Federation

struct StalenessSharesTests {
    @Test func `a state of the half-life counts half and of two a quarter`() {
        for halfLife in [1, 2, 3, 4, 10, 1000] {
            let span = UInt64(halfLife)
            #expect(StalenessShares.factor(age: 0, halfLife: halfLife) == 1)
            #expect(StalenessShares.factor(age: span, halfLife: halfLife) == 0.5)
            #expect(StalenessShares.factor(age: 2 * span, halfLife: halfLife) == 0.25)
        }
    }

    @Test(arguments: [2, 3, 4, 7, 100])
    func `equal steps of age shrink the weight by equal factors`(halfLife: Int) {
        let step = StalenessShares.factor(age: 1, halfLife: halfLife)
        var expected = 1.0
        for age in 0...UInt64(3 * halfLife) {
            let factor = StalenessShares.factor(age: age, halfLife: halfLife)
            #expect(abs(factor - expected) < 1e-12)
            expected *= step
        }
        // 0.5^(1/4) to the last digit of a Double.
        if halfLife == 4 { #expect(step == 0.5.squareRoot().squareRoot()) }
    }

    @Test func `an age beyond all bounds counts nothing and costs nothing`() {
        #expect(StalenessShares.factor(age: .max, halfLife: 1) == 0)
        #expect(StalenessShares.factor(age: .max, halfLife: 1000) == 0)
    }

    @Test func `shares are examples times staleness over their sum`() {
        let parts: [StalenessShares.Part] = [
            .init(round: 10, exampleCount: 8), .init(round: 6, exampleCount: 16),
            .init(round: 12, exampleCount: 8),
        ]
        // The first and last count 8, the second half of 16; what is ahead is not counted double.
        let shares = StalenessShares.shares(of: parts, newestRound: 10, halfLife: 4)
        let third = 1.0 / 3
        #expect(shares == [third, third, third])
        let none = StalenessShares.shares(
            of: [.init(round: 1, exampleCount: 0)], newestRound: 1, halfLife: 4)
        #expect(none == [0])
    }

    @Test func `one other member's word does not age the own state`() {
        #expect(StalenessShares.newestRound(own: 3, others: []) == 3)
        #expect(StalenessShares.newestRound(own: 3, others: [1_000_000]) == 3)
        #expect(StalenessShares.newestRound(own: 3, others: [1_000_000, 5]) == 5)
        #expect(StalenessShares.newestRound(own: 3, others: [9, 1_000_000, 8]) == 9)
        #expect(StalenessShares.newestRound(own: 30, others: [9, 8, 7]) == 30)
    }

    @Test func `a node that has nothing of its own starts where the others are`() {
        #expect(StalenessShares.newestRound(own: nil, others: [7]) == 7)
        #expect(StalenessShares.newestRound(own: nil, others: []) == 0)
    }
}
