import NodeServices
import Testing

@Suite struct ChunkDeadlineTests {
    let deadline = ChunkDeadline(settings: TransferSettings())

    @Test func `what was measured decides, between the least and the greatest`() {
        #expect(deadline.deadline(bytesPerSecond: nil) == .seconds(30))
        #expect(deadline.deadline(bytesPerSecond: 0) == .seconds(30))
        #expect(deadline.deadline(bytesPerSecond: .infinity) == .seconds(10))
        #expect(deadline.deadline(bytesPerSecond: 100e6) == .seconds(10))
        #expect(deadline.deadline(bytesPerSecond: 1e-300) == .seconds(120))
    }

    @Test func `a link of 4 Mbit/s that eight share is not left`() {
        // An eighth of 500 kB/s: a chunk takes 4.2 s, the first window 16.8 s.
        let limit = deadline.deadline(bytesPerSecond: 500_000 / 8)
        #expect(limit > .seconds(60) && limit < .seconds(120))
    }

    @Test func `the faster the provider, the shorter the wait`() {
        var last = deadline.deadline(bytesPerSecond: 1)
        for exponent in stride(from: 3.0, through: 9.0, by: 0.25) {
            var rate = 1.0
            for _ in 0..<Int(exponent * 4) { rate *= 1.778_279_41 }
            let next = deadline.deadline(bytesPerSecond: rate)
            #expect(next <= last)
            last = next
        }
    }
}
