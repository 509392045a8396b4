internal import CKernels

/// What computes, for logs and metrics.
public enum KernelReport {
    /// One line: the product library, the instruction set of the loops, and the threads.
    public static var line: String {
        "\(ProductLibrary.current.name) products, \(instructionSet) loops, "
            + "\(ComputeThreads.count) \(ComputeThreads.count == 1 ? "thread" : "threads")"
    }

    /// What products read fastest on this machine.
    public static var preferredComputeType: ComputeType {
        ProductLibrary.current.prefersBFloat16 ? .bfloat16 : .float32
    }

    private static var instructionSet: String {
        if sk_cpu_has_avx512() != 0 { return "AVX-512" }
        return sk_cpu_has_avx2() != 0 ? "AVX2" : "baseline"
    }
}
