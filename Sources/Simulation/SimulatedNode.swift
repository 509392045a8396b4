internal import Cryptography
internal import Federation

/// A node of the simulated world: what survives a crash, and what does not.
struct SimulatedNode {
    /// What a disk holds.
    struct Store {
        var entries: [[UInt8]] = []
        var records: [String: [UInt8]] = [:]
        var objects: [ObjectID: [UInt8]] = [:]
        var log: [LogRecord] = []
    }

    let index: Int
    let key: SigningKey
    var store = Store()
    /// Running exactly while this is there.
    var instance: PeerInstance?
    /// Counts starts: what was under way in an earlier life reaches nobody.
    var life = 0
    var connections: Set<Int> = []
    var training: Training?
    var directiveCount = 0
    var isFinished = false
    var isGone = false
    var adopted: ObjectID?
    var notifications: [Notification] = []

    struct Training {
        let round: UInt64
        let base: ObjectID
        var stepsDone = 0
        var isStopping = false
    }
}

/// What happens at a point in simulated time.
enum Occurrence {
    case start(node: Int)
    case tick(node: Int, life: Int)
    case connect(Int, Int)
    case checkConnections
    case deliver(from: Int, to: Int, bytes: [UInt8])
    case trainingStep(node: Int, life: Int, round: UInt64)
    case fetchEnds(node: Int, life: Int, FetchOrder)
    case aggregationEnds(node: Int, life: Int, AggregationOrder)
    case deliverFrame(from: Int, to: Int, bytes: [UInt8])
    case sumEnds(node: Int, life: Int, SumOrder)
    case sumStored(node: Int, life: Int, UpdateSummary)
    case askToLeave(node: Int)
}
