internal import Kernels
internal import Models

/// What a planner tries: a method with its sizes, before it is known what they take.
struct PlanShape: Hashable {
    enum Method: Hashable {
        case lora, read, mezo, relay
    }

    var method = Method.lora
    /// The last layers that are trained.
    var layerCount = 0
    var rank: Int
    var length: Int
    var microBatchSize = 1
    var storage: FrozenWeight.Storage
    var recomputation = ModelOptions.Recomputation.none

    var isStreamed: Bool { storage == .streamed }
}
