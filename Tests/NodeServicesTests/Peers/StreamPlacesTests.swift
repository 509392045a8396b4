import Testing

@testable import NodeServices

@Suite struct StreamPlacesTests {
    @Test func `one peer takes its share, all together take all, and what is left is free`() throws
    {
        let peers = try (UInt8(1)...4).map { try MemoryNetwork.peer($0) }
        var places = StreamPlaces(countMax: 5, countMaxPerPeer: 2)
        let taken = [0, 0, 0, 1, 1, 1, 2, 3].map { places.take(for: peers[$0]) }
        #expect(taken == [true, true, false, true, true, false, true, false])
        places.leave(peers[0])
        let after = [3, 0].map { places.take(for: peers[$0]) }
        #expect(after == [true, false], "the last place is gone")
        for index in [0, 1, 1, 2, 3] { places.leave(peers[index]) }
        let again = [0, 0, 0].map { places.take(for: peers[$0]) }
        #expect(again == [true, true, false])
    }
}
