internal import Adapters
internal import Checkpoints
internal import Models
internal import NodeServices
internal import Tokenizers
internal import Training

/// Why a command can't go on: a number for programs and a sentence for people.
struct CommandFailure: Error, CustomStringConvertible {
    let reason: ExitReason
    let description: String

    init(_ reason: ExitReason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    init(_ error: DatasetError) {
        self.init(.dataUnusable, error.description)
    }

    init(_ error: TrainingError) {
        let reason: ExitReason =
            switch error {
            case .settingOutOfRange: .settingOutOfRange
            case .lossNotFinite, .gradientNotFinite: .trainingDiverged
            case .dataEmpty, .rowTooLong: .dataUnusable
            case .adapterMissing, .parametersMismatch, .parameterNotFinite: .adapterUnusable
            case .notASnapshot, .snapshotVersionUnknown, .snapshotByteCount, .snapshotOfOtherRun:
                .unexpected
            }
        self.init(reason, error.description)
    }

    init(_ error: RunCheckpointError) {
        let reason: ExitReason =
            switch error {
            case .file: .outputUnwritable
            default: .checkpointUnusable
            }
        self.init(reason, error.description)
    }

    init(model path: String, _ error: CheckpointError) {
        let reason: ExitReason =
            switch error {
            case .unsupportedFormat, .unsupportedSetting: .modelUnsupported
            default: .modelUnreadable
            }
        self.init(reason, error.description)
    }

    init(model path: String, _ error: ModelError) {
        let reason: ExitReason =
            switch error {
            case .unknownArchitecture, .unsupportedConfiguration: .modelUnsupported
            default: .modelUnreadable
            }
        self.init(reason, "\(path): \(Self.text(of: error))")
    }

    init(model path: String, _ error: TokenizerError) {
        self.init(.modelUnsupported, "\(path): \(error)")
    }

    init(adapter path: String, _ error: CheckpointError) {
        self.init(.adapterUnusable, error.description)
    }

    init(adapter path: String, _ error: AdapterError) {
        self.init(.adapterUnusable, "\(path): \(Self.text(of: error))")
    }

    init(_ error: NodeError) {
        let reason: ExitReason =
            switch error.code {
            case .invalidInput: .nodeSettingUnusable
            case .storage: .storeUnusable
            case .network: .networkUnreachable
            case .refused: .refused
            case .notFound: .notThere
            case .verificationFailed: .verificationFailed
            case .training: .nodeTrainingFailed
            case .memory: .memoryTooSmall
            }
        self.init(reason, error.description)
    }

    /// Any error, with the number of the kind it is of.
    init(any error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as DatasetError: self.init(error)
        case let error as TrainingError: self.init(error)
        case let error as RunCheckpointError: self.init(error)
        case let error as NodeError: self.init(error)
        default: self.init(.unexpected, "\(error)")
        }
    }

    private static func text(of error: ModelError) -> String {
        switch error {
        case .unknownArchitecture(let modelType):
            "the architecture \(modelType) is not known; known are "
                + ModelRegistry.standard.modelTypes.joined(separator: ", ")
        case .unsupportedConfiguration(let field, let value):
            "\(field) is \(value), which contradicts the other fields; get the file again"
        case .missingTensor(let name):
            "the tensor \(name) is missing; get the file again"
        case .shapeMismatch(let name, let expected, let actual):
            "the tensor \(name) has shape \(actual), not \(expected); get the file again"
        case .byteCountMismatch(let name, let expected, let actual):
            "the tensor \(name) has \(actual) bytes, not \(expected); get the file again"
        case .unreadableTensor(let name, let reason):
            "the tensor \(name) can't be read: \(reason)"
        case .nonFiniteTensor(let name):
            "the tensor \(name) holds values that are not finite; get the file again"
        }
    }

    private static func text(of error: AdapterError) -> String {
        switch error {
        case .unknownMethod(let name):
            "adapters of type \(name) are not known; use LORA or READ"
        case .invalidRank(let rank):
            "the rank is \(rank), which no adapter can have"
        case .unknownTarget(let name):
            "the target \(name) is none of the seven projections"
        case .noTargets:
            "no projection is named; name at least one"
        case .missingTensor(let name):
            "the tensor \(name) is missing; save the adapter again"
        case .unexpectedTensor(let name):
            "the tensor \(name) belongs to no adapter for this model"
        case .shapeMismatch(let name, let expected, let actual):
            "the tensor \(name) has shape \(actual), not \(expected); it was made for another model"
        case .invalidSetting(let name, let value):
            "\(name) is \(value), which no adapter for this model has"
        case .nonFiniteTensor(let name):
            "the tensor \(name) holds values that are not finite; save the adapter again"
        }
    }
}
