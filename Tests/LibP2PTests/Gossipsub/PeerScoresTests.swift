import Testing

@testable import LibP2P

/// Expected values are worked out beside each test, from the formula of gossipsub v1.1.
@Suite struct PeerScoresTests {
    static let topic = "t"
    let peer: PeerID
    let other: PeerID

    init() throws {
        peer = try SamplePeer(1).id
        other = try SamplePeer(2).id
    }

    /// Parameters with decays that are easy to follow: one half each.
    static var halving: GossipScoreParameters {
        var parameters = GossipScoreParameters()
        parameters.behaviourDecay = 0.5
        parameters.defaultTopic.firstDeliveryDecay = 0.5
        parameters.defaultTopic.invalidDeliveryDecay = 0.5
        parameters.defaultTopic.meshDeliveryDecay = 0.5
        parameters.defaultTopic.meshFailureDecay = 0.5
        return parameters
    }

    func scores(_ parameters: GossipScoreParameters = halving) -> PeerScores {
        var scores = PeerScores(parameters: parameters)
        scores.connect(peer, addressGroup: nil)
        scores.connect(other, addressGroup: nil)
        return scores
    }

    @Test func `P1 grows with the time in the mesh up to its cap`() {
        var scores = scores()
        scores.graft(peer, topic: Self.topic, now: .zero)
        #expect(scores.score(of: peer) == 0)
        scores.decay(now: .seconds(10))
        // 10 s at 1 s a unit and 0.01 a unit.
        #expect(abs(scores.score(of: peer) - 0.1) < 1e-12)
        var now = Duration.seconds(10)
        while now < .seconds(4_000) {
            now += .seconds(30)
            scores.decay(now: now)
        }
        #expect(abs(scores.score(of: peer) - 36) < 1e-9)
        scores.prune(peer, topic: Self.topic)
        #expect(scores.score(of: peer) == 0)
    }

    @Test func `P2 counts first deliveries up to its cap and halves`() {
        var scores = scores()
        for _ in 0..<8 { scores.countFirstDelivery(peer, topic: Self.topic) }
        #expect(scores.score(of: peer) == 8)
        scores.decay(now: .seconds(1))
        #expect(scores.score(of: peer) == 4)
        // 4, 2, 1, ... 2^-6 = 0.0156, then below 0.01 and therefore zero.
        scores.decay(now: .seconds(9))
        #expect(scores.score(of: peer) == 0.015625)
        scores.decay(now: .seconds(10))
        #expect(scores.score(of: peer) == 0)
        for _ in 0..<100 { scores.countFirstDelivery(peer, topic: Self.topic) }
        #expect(scores.score(of: peer) == 50)
    }

    @Test func `P3 squares the deficit once the peer owes deliveries, and P3b keeps it`() {
        var parameters = Self.halving
        parameters.defaultTopic.meshTimeWeight = 0
        parameters.defaultTopic.firstDeliveryWeight = 0
        parameters.defaultTopic.meshDeliveryWeight = -2
        parameters.defaultTopic.meshFailureWeight = -3
        parameters.defaultTopic.meshDeliveryThreshold = 5
        parameters.defaultTopic.meshDeliveryActivation = .seconds(2)
        var scores = scores(parameters)
        scores.graft(peer, topic: Self.topic, now: .zero)
        scores.decay(now: .seconds(2))
        #expect(scores.score(of: peer) == 0)
        scores.decay(now: .seconds(3))
        // Nothing delivered of 5: -2 * 25.
        #expect(scores.score(of: peer) == -50)
        scores.countFirstDelivery(peer, topic: Self.topic)
        scores.countRepetition(peer, topic: Self.topic, delay: .milliseconds(10))
        // Too late to count.
        scores.countRepetition(peer, topic: Self.topic, delay: .milliseconds(11))
        // Two of 5: -2 * 9.
        #expect(scores.score(of: peer) == -18)
        scores.prune(peer, topic: Self.topic)
        // Out of the mesh P3 ends and P3b has 9: -3 * 9.
        #expect(scores.score(of: peer) == -27)
        scores.decay(now: .seconds(4))
        #expect(scores.score(of: peer) == -13.5)
    }

    @Test func `P4 squares rejected messages`() {
        var scores = scores()
        scores.countInvalid(peer, topic: Self.topic)
        #expect(scores.score(of: peer) == -100)
        scores.countInvalid(peer, topic: Self.topic)
        #expect(scores.score(of: peer) == -400)
        scores.decay(now: .seconds(1))
        // Two halve to one.
        #expect(scores.score(of: peer) == -100)
        #expect(scores.score(of: other) == 0)
    }

    @Test func `P5 is what the application says, with its weight`() {
        var parameters = Self.halving
        parameters.applicationWeight = 2
        var scores = scores(parameters)
        scores.setApplicationScore(-25, of: peer)
        #expect(scores.score(of: peer) == -50)
        scores.decay(now: .seconds(5))
        #expect(scores.score(of: peer) == -50)
        scores.setApplicationScore(0, of: peer)
        #expect(scores.score(of: peer) == 0)
    }

    @Test func `P6 squares the surplus of peers behind one address`() throws {
        var parameters = Self.halving
        parameters.colocationThreshold = 3
        var scores = PeerScores(parameters: parameters)
        let crowd = try (1...5).map { try SamplePeer($0).id }
        for peer in crowd { scores.connect(peer, addressGroup: "192.0.2.1") }
        // 5 of 3: -10 * 4, for each of them.
        #expect(crowd.map { scores.score(of: $0) } == Array(repeating: -40, count: 5))
        let lone = try SamplePeer(9).id
        scores.connect(lone, addressGroup: "192.0.2.2")
        #expect(scores.score(of: lone) == 0)
        // A negative score stays, and so does the place it takes; another address frees it.
        scores.disconnect(crowd[0], now: .zero)
        #expect(scores.score(of: crowd[1]) == -40)
        scores.connect(crowd[0], addressGroup: "192.0.2.3")
        #expect(scores.score(of: crowd[1]) == -10)
        #expect(scores.score(of: crowd[0]) == 0)
    }

    @Test func `P7 squares offences above the threshold`() {
        var parameters = Self.halving
        parameters.behaviourThreshold = 2
        var scores = scores(parameters)
        scores.penalize(peer, count: 2)
        #expect(scores.score(of: peer) == 0)
        scores.penalize(peer, count: 4)
        // 6 - 2 = 4: -10 * 16.
        #expect(scores.score(of: peer) == -160)
        scores.decay(now: .seconds(1))
        // 3 - 2 = 1.
        #expect(scores.score(of: peer) == -10)
    }

    @Test func `topics are weighted and capped together, and only they`() {
        var parameters = Self.halving
        parameters.topics["heavy"] = parameters.defaultTopic
        parameters.topics["heavy"]?.topicWeight = 3
        parameters.topicScoreMax = 20
        var scores = scores(parameters)
        for _ in 0..<4 { scores.countFirstDelivery(peer, topic: "heavy") }
        scores.countFirstDelivery(peer, topic: "light")
        // 3 * 4 + 1.
        #expect(scores.score(of: peer) == 13)
        for _ in 0..<4 { scores.countFirstDelivery(peer, topic: "heavy") }
        #expect(scores.score(of: peer) == 20)
        scores.setApplicationScore(7, of: peer)
        #expect(scores.score(of: peer) == 27)
    }

    @Test func `a good score goes with its peer and a bad one waits for it`() {
        var scores = scores()
        scores.countFirstDelivery(peer, topic: Self.topic)
        scores.countInvalid(other, topic: Self.topic)
        scores.disconnect(peer, now: .zero)
        scores.disconnect(other, now: .zero)
        #expect(scores.count == 1)
        scores.decay(now: .seconds(1_799))
        // Kept without decay, so that leaving is no way to be forgiven.
        #expect(scores.score(of: other) == -100)
        scores.decay(now: .seconds(1_801))
        #expect(scores.count == 0 && scores.score(of: other) == 0)
    }

    @Test func `scores kept of peers that left are bounded`() throws {
        var parameters = GossipScoreParameters()
        parameters.retainedCountMax = 10
        var scores = PeerScores(parameters: parameters)
        for number in 1...50 {
            let peer = try SamplePeer(number).id
            scores.connect(peer, addressGroup: nil)
            scores.countInvalid(peer, topic: Self.topic)
            scores.disconnect(peer, now: .seconds(number))
        }
        #expect(scores.count == 10)
        #expect(scores.score(of: try SamplePeer(50).id) == -100)
        #expect(scores.score(of: try SamplePeer(1).id) == 0)
    }

    @Test func `a counter of one falls to the zero mark within the time of its decay`() {
        let factor = GossipScoreParameters.decay(over: .seconds(600))
        var counter = 1.0
        for _ in 0..<599 { counter *= factor }
        #expect(counter > 0.01)
        counter *= factor * factor
        #expect(counter < 0.01)
    }
}
