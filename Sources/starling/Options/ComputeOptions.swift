internal import ArgumentParser
internal import Checkpoints
internal import Foundation
internal import Kernels
internal import Models
internal import NodeServices

/// What every command that computes takes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Threads that compute; all cores unless told otherwise.")
    var threads: Int?

    @Option(help: "What products read: f32, bf16, or auto for the faster one of this machine.")
    var compute: ComputeChoice = .auto

    @Option(
        help: """
            How the weights lie in memory: f32, bf16, stored (quantised values stay quantised), \
            mapped (the same, in the file's or store's memory map), streamed (the same, and \
            memory is given back after every use), or auto for the type of the products.
            """
    )
    var base: StorageChoice = .auto

    @Option(
        help: """
            What a training pass computes again to save memory: none, mlp (gates and ups) or \
            layer (everything but the residual stream).
            """
    )
    var recompute: RecomputeChoice = .none

    /// What the choices come to on this machine.
    var modelOptions: ModelOptions {
        ModelOptions(compute: compute, base: base, recompute: recompute)
    }

    /// The first option whose choice a plan for some memory makes.
    var givenBesideMemory: String? {
        if base != .auto { return "--base" }
        return recompute == .none ? nil : "--recompute"
    }

    func check() throws {
        if let threads, !(1...1_024).contains(threads) {
            throw ValidationError("--threads is \(threads); give 1 to 1024.")
        }
    }

    /// Tells the kernels, once, before anything is computed.
    ///
    /// An offline command has the machine to itself, so it takes all cores; a node leaves one to its
    /// network.
    func apply() {
        ComputeThreads.set(threads ?? ProcessInfo.processInfo.activeProcessorCount)
    }
}

extension LoadedModel {
    /// The length, if the model has so many positions.
    func checkedLength(_ length: Int) throws(CommandFailure) -> Int {
        try model.configuration.checkedLength(length)
    }
}

extension ModelConfiguration {
    /// The length, if the model has so many positions.
    func checkedLength(_ length: Int) throws(CommandFailure) -> Int {
        guard length <= positionCountMax else {
            throw CommandFailure(
                .settingOutOfRange,
                "--length is \(length), but the model knows \(positionCountMax) positions"
            )
        }
        return length
    }
}

extension Double {
    /// The number with a fixed count of decimals, as tables have it.
    func text(places: Int) -> String {
        String(format: "%.\(places)f", self)
    }
}
