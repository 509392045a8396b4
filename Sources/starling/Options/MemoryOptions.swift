internal import ArgumentParser
internal import NodeServices
internal import Training

/// How much memory a command may take.
struct MemoryOptions: ParsableArguments {
    @Option(
        help: """
            What the process may have in memory at most, as 250MB, 1.5GB or 300MiB; what is trained \
            and how follows from it. See 'starling plan'.
            """
    )
    var memory: MemorySize?

    @Option(
        help: ArgumentHelp(
            "What this machine computes in training, in 10^9 operations a second.",
            visibility: .hidden))
    var gflops: Double?

    /// The memory that a plan may use: what was asked for, or less where there is less.
    ///
    /// - Parameter tell: called with a sentence where it is less.
    func budget(tell: (String) -> Void) -> MemorySize? {
        guard let memory else { return nil }
        guard let available = AvailableMemory.current, available.byteCount < memory.byteCount
        else { return memory }
        let less = MemorySize(byteCount: max(1, available.byteCount))
        tell("--memory is \(memory), but \(available.bound.name) only \(less.rounded)")
        return less
    }
}
