internal import FoundationEssentials

/// What a trial was made with and what came of it: one file of docs/results.
struct TrialRecord: Encodable {
    struct Node: Encodable {
        let name: String
        let trainingRowCount: Int
        let heldOutByteCount: Int
        let heldOutTokenCount: Int
        let nats: Double
        let bitsPerByte: Double
        /// What the node trains, as layers and rank.
        var tier: String?
        /// The bytes of its update in the last round.
        var updateByteCount: Int?
    }

    struct Round: Encodable {
        let round: Int
        /// The bytes of all updates together.
        let updateByteCount: Int
        /// The mean of all steps' losses, in nats per token, before each step.
        let trainingLoss: Double
        /// The updates that were scaled to the norm bound, and the values that were clipped.
        let scaledUpdateCount: Int
        let clippedValueCount: Int
        /// The greatest share of a pair's energy that the aggregator cut.
        let droppedEnergy: Double
        let trainingSeconds: Double
        let aggregationSeconds: Double
    }

    let dataset: String
    let arm: String
    let dataVersion: String
    let dataDigest: String
    let model: String
    let computeType: String
    let settings: TextSettings
    let parameterCount: Int
    var nodes: [Node]
    var rounds: [Round]
    let trainedTokenCount: Int
    let seconds: Double
    let processorSeconds: Double
}

/// The settings of a trial on text.
struct TextSettings: Encodable {
    let kind: String
    let aggregator: String
    let wireForm: String
    let roundCount: Int
    let localStepCount: Int
    let batchSize: Int
    let sequenceLength: Int
    let rank: Int
    let alpha: Double
    let learningRate: Double
    let decay: String
    let outerLearningRate: Double
    let outerMomentum: Double
    let proximalStrength: Double
    let usesControlVariates: Bool
    /// Whether each A is made as long again after a round as it was before the first.
    let keepsInputNorms: Bool
    let tiers: [String]
    let heldOutRowCount: Int
    let seed: Int
    let threadCount: Int
}

/// Writes records.
enum RecordFile {
    /// Writes a record so that a file of that name is whole or absent.
    static func write(_ record: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        var data = try encoder.encode(record)
        data.append(UInt8(ascii: "\n"))
        try data.write(to: URL(filePath: path), options: .atomic)
    }
}
