/// What a peer has done in one topic.
struct TopicCounters: Hashable {
    /// When the peer came into the mesh; nil while it is not in it.
    var graftedAt: Duration?
    /// How long it has been in the mesh, as of the last decay.
    var meshTime = Duration.zero
    var firstDeliveries = 0.0
    var meshDeliveries = 0.0
    /// Whether the peer has been in the mesh for long enough to owe deliveries.
    var owesDeliveries = false
    var meshFailures = 0.0
    var invalidDeliveries = 0.0

    /// Whether nothing speaks for or against the peer.
    var isBlank: Bool { self == TopicCounters() }

    /// The squared number of deliveries that the peer owes the mesh.
    func squaredDeficit(_ parameters: GossipTopicScoreParameters) -> Double {
        guard owesDeliveries, meshDeliveries < parameters.meshDeliveryThreshold else { return 0 }
        let deficit = parameters.meshDeliveryThreshold - meshDeliveries
        return deficit * deficit
    }

    /// P1 to P4, without the topic's own weight.
    func score(_ parameters: GossipTopicScoreParameters) -> Double {
        var score = 0.0
        if graftedAt != nil {
            let units = min(meshTime / parameters.meshTimeQuantum, parameters.meshTimeMax)
            score += units * parameters.meshTimeWeight
        }
        score += firstDeliveries * parameters.firstDeliveryWeight
        score += squaredDeficit(parameters) * parameters.meshDeliveryWeight
        score += meshFailures * parameters.meshFailureWeight
        score += invalidDeliveries * invalidDeliveries * parameters.invalidDeliveryWeight
        return score
    }

    mutating func decay(
        _ parameters: GossipTopicScoreParameters, toZero zero: Double, now: Duration
    ) {
        func decayed(_ counter: Double, _ factor: Double) -> Double {
            let rest = counter * factor
            return rest < zero ? 0 : rest
        }
        firstDeliveries = decayed(firstDeliveries, parameters.firstDeliveryDecay)
        meshDeliveries = decayed(meshDeliveries, parameters.meshDeliveryDecay)
        meshFailures = decayed(meshFailures, parameters.meshFailureDecay)
        invalidDeliveries = decayed(invalidDeliveries, parameters.invalidDeliveryDecay)
        if let graftedAt {
            meshTime = now - graftedAt
            if meshTime > parameters.meshDeliveryActivation { owesDeliveries = true }
        }
    }

    mutating func enterMesh(now: Duration) {
        graftedAt = now
        meshTime = .zero
        owesDeliveries = false
    }

    /// Leaves the mesh; what the peer owes it stays as a failure.
    mutating func leaveMesh(_ parameters: GossipTopicScoreParameters) {
        guard graftedAt != nil else { return }
        meshFailures += squaredDeficit(parameters)
        graftedAt = nil
        meshTime = .zero
        owesDeliveries = false
    }

    mutating func countFirst(_ parameters: GossipTopicScoreParameters) {
        firstDeliveries = min(firstDeliveries + 1, parameters.firstDeliveryMax)
        countMeshDelivery(parameters)
    }

    mutating func countMeshDelivery(_ parameters: GossipTopicScoreParameters) {
        guard graftedAt != nil else { return }
        meshDeliveries = min(meshDeliveries + 1, parameters.meshDeliveryMax)
    }
}
