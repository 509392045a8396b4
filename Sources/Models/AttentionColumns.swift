internal import Checkpoints

/// Where queries, keys and values lie side by side.
struct AttentionColumns {
    let queries, keys, values, rotated: Range<Int>

    init(_ configuration: ModelConfiguration) {
        let queryCount = configuration.attentionHeadCount * configuration.headDimension
        let keyCount = configuration.keyValueHeadCount * configuration.headDimension
        queries = 0..<queryCount
        keys = queryCount..<queryCount + keyCount
        values = queryCount + keyCount..<queryCount + 2 * keyCount
        rotated = 0..<queryCount + keyCount
    }
}
