public import Adapters
public import Checkpoints
internal import Models
internal import Tensors

/// Everything that decides the bytes that a run ends with, as names and values.
///
/// A run may only go on from a checkpoint of an equal identity. Threads and the rows of a pass are
/// no part of it: they move the last bits of a sum and nothing else.
public struct RunIdentity: Hashable, Sendable {
    /// One thing that runs can differ in.
    public struct Field: Hashable, Sendable {
        /// What it is called in messages.
        public let name: String
        /// Its value as a user writes it, or a fingerprint.
        public let value: String

        /// Makes a field.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// One thing in which two runs differ; `nil` where a run lacks it.
    public struct Difference: Hashable, Sendable {
        /// What it is called in messages.
        public let name: String
        /// The value of the run that is to go on.
        public let expected: String?
        /// The value that was found.
        public let actual: String?
    }

    /// What the run is, each name once.
    public let fields: [Field]

    /// Makes an identity of fields with different names.
    public init(fields: [Field]) {
        self.fields = fields
    }

    /// Describes a run before its first step.
    ///
    /// - Parameters:
    ///   - model: every byte of it is read.
    ///   - evaluation: what the run does with held-out rows, such as when it stops for them.
    /// - Throws: what the source throws.
    /// - Complexity: O(bytes of the model and the data).
    public init(
        model: some TensorSource,
        data: TrainingData,
        adapter: any TrainableAdapter,
        settings: TrainingSettings,
        evaluation: [Field]
    ) throws {
        fields =
            [
                Field(name: "base model", value: try Self.fingerprint(of: model)),
                Field(name: "training data", value: Self.fingerprint(of: data.training)),
                Field(name: "held-out data", value: Self.fingerprint(of: data.heldOut)),
            ] + adapter.settings.map { Field(name: $0.name, value: $0.value) } + [
                Field(name: "first parameters", value: Self.fingerprint(of: adapter))
            ] + Self.fields(of: settings) + evaluation
    }

    /// What differs, in the order of this identity's fields and then of the other's.
    public func differences(from other: RunIdentity) -> [Difference] {
        let expected = fields.map { field in
            Difference(name: field.name, expected: field.value, actual: other.value(of: field.name))
        }
        let unexpected = other.fields.filter { value(of: $0.name) == nil }.map { field in
            Difference(name: field.name, expected: nil, actual: field.value)
        }
        return expected.filter { $0.expected != $0.actual } + unexpected
    }

    private func value(of name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    private static func fields(of settings: TrainingSettings) -> [Field] {
        [
            Field(name: "steps", value: "\(settings.totalStepCount)"),
            Field(name: "batch size", value: "\(settings.batchSize)"),
            Field(name: "sequence length", value: "\(settings.sequenceLength)"),
            Field(name: "packing", value: "\(settings.packsRows)"),
            Field(name: "learning rate", value: "\(settings.learningRate)"),
            Field(name: "learning rate schedule", value: settings.decay.rawValue),
            Field(name: "learning rate floor", value: "\(settings.learningRateFloorFraction)"),
            Field(name: "warm-up steps", value: "\(settings.warmupStepCount)"),
            Field(name: "weight decay", value: "\(settings.weightDecay)"),
            Field(
                name: "gradient clip",
                value: settings.gradientClip.map { "\($0)" } ?? "none"
            ),
            Field(name: "dropout", value: "\(settings.dropout)"),
            Field(name: "seed", value: "\(settings.seed)"),
        ] + optimizerFields(of: settings)
    }

    /// None for the optimizer that runs had before there was a choice.
    private static func optimizerFields(of settings: TrainingSettings) -> [Field] {
        guard settings.optimizer != .adamW else { return [] }
        return [
            Field(name: "optimizer", value: settings.optimizer.rawValue),
            Field(name: "perturbation", value: "\(settings.perturbation)"),
        ]
    }

    private static func fingerprint(of model: some TensorSource) throws -> String {
        var fingerprint = Fingerprint()
        for tensor in model.tensors {
            fingerprint.add("\(tensor.name) \(tensor.shape) \(tensor.elementType)")
            try unsafe model.withBytes(of: tensor.name) { unsafe fingerprint.add($0) }
        }
        return fingerprint.text
    }

    private static func fingerprint(of rows: [TokenRow]) -> String {
        var fingerprint = Fingerprint()
        for row in rows {
            for number in [row.tokens.count, row.targetRanges.count, row.prefixCount] {
                fingerprint.add(number)
            }
            for token in row.tokens { fingerprint.add(Int(token)) }
            for range in row.targetRanges {
                fingerprint.add(range.lowerBound)
                fingerprint.add(range.upperBound)
            }
        }
        return fingerprint.text
    }

    private static func fingerprint(of adapter: any TrainableAdapter) -> String {
        var fingerprint = Fingerprint()
        unsafe adapter.withParameters { unsafe fingerprint.add(UnsafeRawBufferPointer($0)) }
        return fingerprint.text
    }
}
