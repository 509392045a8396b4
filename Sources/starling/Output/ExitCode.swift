internal import ArgumentParser

/// Why the program ends, as the number that the shell sees.
///
/// Numbers are never reused; docs/exit-codes.md has a paragraph for each. 64 is what the argument
/// parser ends with when a command is written wrongly.
enum ExitReason: Int32, CaseIterable, Sendable {
    /// All that was asked for is done.
    case done = 0
    /// A bug, or something that has no number of its own.
    case unexpected = 1
    /// The model is not there or can't be read.
    case modelUnreadable = 10
    /// The model is there, but of a kind that this program does not compute.
    case modelUnsupported = 11
    /// The adapter is not there, can't be read, or does not fit the model.
    case adapterUnusable = 12
    /// The data is not there, can't be read, or holds nothing to learn.
    case dataUnusable = 13
    /// A result can't be written.
    case outputUnwritable = 14
    /// Training left the finite numbers.
    case trainingDiverged = 15
    /// A setting is outside of what makes sense.
    case settingOutOfRange = 16
    /// A run's checkpoints can't be read or written, or belong to another run.
    case checkpointUnusable = 17
    /// Nothing can be trained within the memory that was given.
    case memoryTooSmall = 18
    /// A setting, a file or a home of a node is not as it must be.
    case nodeSettingUnusable = 20
    /// The node's store can't be read or written.
    case storeUnusable = 21
    /// The network, or a peer that is needed, can't be reached.
    case networkUnreachable = 22
    /// A peer refused this node, or this node refuses what it was given.
    case refused = 23
    /// What is asked for is not there yet.
    case notThere = 24
    /// A log, a certificate or a digest does not verify.
    case verificationFailed = 25
    /// The node can't train.
    case nodeTrainingFailed = 26
    /// The command is written wrongly.
    case usage = 64

    /// The reason in one word, for programs.
    var name: String { "\(self)" }

    /// The number in the argument parser's own type.
    var exitCode: ExitCode { ExitCode(rawValue) }
}
