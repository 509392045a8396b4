internal import CKernels
internal import COneDNN
internal import COpenBLAS
internal import Glibc

/// A way to compute a matrix product on the calling thread.
///
/// The libraries are opened when the first product is computed, in the order of their speed on this
/// processor; a machine that has neither uses the package's own loops.
package struct ProductLibrary: Sendable {
    /// What a report calls it.
    package let name: String
    package let multiply:
        @Sendable (_ product: Product, _ a: Matrix, _ b: Matrix, _ c: Matrix) -> Void
    /// The same for bfloat16 inputs; sums and results are Float32.
    package let multiplyBFloat16:
        @Sendable (_ product: Product, _ a: BFloat16Matrix, _ b: BFloat16Matrix, _ c: Matrix) ->
            Void
    /// Whether this machine multiplies bfloat16 faster than Float32.
    package let prefersBFloat16: Bool
    /// What the library says of itself, for a report.
    package var details = Details()

    /// A library's own words; `nil` for what it does not tell.
    package struct Details: Hashable, Sendable {
        /// The number of its release.
        package var version: String?
        /// The kernel or instruction set that it took for this processor.
        package var kernel: String?
        /// How it was built.
        package var configuration: String?

        package init() {}
    }

    /// The library in use; the others are not opened.
    package static let current = byPreference.lazy.compactMap { $0() }.first ?? portable

    /// Every library that this machine has, the fastest first.
    package static var available: [ProductLibrary] { byPreference.compactMap { $0() } }

    private static var byPreference: [() -> ProductLibrary?] {
        #if arch(x86_64)
        [oneDNN, openBLAS, { portable }]
        #else
        // Elsewhere oneDNN may hold nothing but its plain loops.
        [openBLAS, oneDNN, { portable }]
        #endif
    }

    /// The package's own loops.
    static let portable = ProductLibrary(
        name: "portable", multiply: loops, multiplyBFloat16: widening(loops),
        prefersBFloat16: false)

    private static let loops: @Sendable (Product, Matrix, Matrix, Matrix) -> Void = {
        call, a, b, c in
        unsafe sk_sgemm(
            call.transposesA ? 1 : 0, call.transposesB ? 1 : 0, c.rowCount, c.columnCount,
            call.depth(of: a), call.scale,
            a.base, a.stride, b.base, b.stride, call.adds ? 1 : 0, c.base, c.stride
        )
    }

    /// A product of bfloat16 values by way of Float32 copies, for libraries that have no other.
    private static func widening(
        _ multiply: @escaping @Sendable (Product, Matrix, Matrix, Matrix) -> Void
    ) -> @Sendable (Product, BFloat16Matrix, BFloat16Matrix, Matrix) -> Void {
        { call, a, b, c in
            let room =
                FloatBuffer.room(rows: a.rowCount, columns: a.columnCount)
                + FloatBuffer.room(rows: b.rowCount, columns: b.columnCount)
            let buffer = FloatBuffer(count: room)
            let wideA = buffer.take(rows: a.rowCount, columns: a.columnCount)
            let wideB = buffer.take(rows: b.rowCount, columns: b.columnCount)
            a.load(into: wideA)
            b.load(into: wideB)
            multiply(call, wideA, wideB, c)
        }
    }

    private static func oneDNN() -> ProductLibrary? {
        guard
            let library = unsafe open(["libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"]),
            let symbol = unsafe dlsym(library, "dnnl_sgemm")
        else { return nil }
        let sgemm = unsafe unsafeBitCast(symbol, to: starling_dnnl_sgemm.self)
        // Debian builds the library on OpenMP, whose thread count belongs to the calling thread.
        // The pool splits the work, so each call shall stay on its own thread.
        let setThreads = unsafe dlsym(library, "omp_set_num_threads").map {
            unsafe unsafeBitCast($0, to: (@convention(c) (CInt) -> Void).self)
        }
        let multiply: @Sendable (Product, Matrix, Matrix, Matrix) -> Void = { call, a, b, c in
            setThreads?(1)
            let status = unsafe sgemm(
                letter(call.transposesA), letter(call.transposesB),
                dnnl_dim_t(c.rowCount), dnnl_dim_t(c.columnCount), dnnl_dim_t(call.depth(of: a)),
                call.scale,
                a.base, dnnl_dim_t(a.stride), b.base, dnnl_dim_t(b.stride), call.adds ? 1 : 0,
                c.base, dnnl_dim_t(c.stride)
            )
            // Its codes other than success mean wrong arguments or no memory.
            precondition(status == dnnl_success, "dnnl_sgemm returned \(status)")
        }
        let details = unsafe oneDNNDetails(library)
        guard let halfSymbol = unsafe dlsym(library, "dnnl_gemm_bf16bf16f32") else {
            return ProductLibrary(
                name: "oneDNN", multiply: multiply, multiplyBFloat16: widening(multiply),
                prefersBFloat16: false, details: details)
        }
        let halfGemm = unsafe unsafeBitCast(halfSymbol, to: starling_dnnl_gemm_bf16.self)
        return ProductLibrary(
            name: "oneDNN",
            multiply: multiply,
            multiplyBFloat16: { call, a, b, c in
                setThreads?(1)
                let status = unsafe halfGemm(
                    letter(call.transposesA), letter(call.transposesB),
                    dnnl_dim_t(c.rowCount), dnnl_dim_t(c.columnCount),
                    dnnl_dim_t(call.transposesA ? a.rowCount : a.columnCount), call.scale,
                    a.base, dnnl_dim_t(a.stride), b.base, dnnl_dim_t(b.stride), call.adds ? 1 : 0,
                    c.base, dnnl_dim_t(c.stride)
                )
                precondition(status == dnnl_success, "dnnl_gemm_bf16bf16f32 returned \(status)")
            },
            prefersBFloat16: sk_cpu_has_avx512_bf16() != 0,
            details: details
        )
    }

    /// What BLAS calls a matrix that is read as it is, or transposed.
    private static func letter(_ transposes: Bool) -> CChar {
        CChar(transposes ? UInt8(ascii: "T") : UInt8(ascii: "N"))
    }

    private static func openBLAS() -> ProductLibrary? {
        chooseOpenBLASKernel()
        guard
            let library = unsafe open(["libopenblas.so.0", "libopenblas.so"]),
            let symbol = unsafe dlsym(library, "cblas_sgemm"),
            let setSymbol = unsafe dlsym(library, "openblas_set_num_threads")
        else { return nil }
        let sgemm = unsafe unsafeBitCast(symbol, to: starling_cblas_sgemm.self)
        let setThreads = unsafe unsafeBitCast(
            setSymbol, to: (@convention(c) (CInt) -> Void).self)
        setThreads(1)
        let multiply: @Sendable (Product, Matrix, Matrix, Matrix) -> Void = { call, a, b, c in
            unsafe sgemm(
                CblasRowMajor, call.transposesA ? CblasTrans : CblasNoTrans,
                call.transposesB ? CblasTrans : CblasNoTrans,
                blasint(c.rowCount), blasint(c.columnCount), blasint(call.depth(of: a)), call.scale,
                a.base, blasint(a.stride), b.base, blasint(b.stride), call.adds ? 1 : 0,
                c.base, blasint(c.stride)
            )
        }
        return ProductLibrary(
            name: "OpenBLAS", multiply: multiply, multiplyBFloat16: widening(multiply),
            prefersBFloat16: false, details: unsafe openBLASDetails(library))
    }

    /// Names OpenBLAS the kernel to use, unless the user did.
    ///
    /// Version 0.3.21 takes its AVX2 kernel on processors that it does not know, at half the speed.
    /// What the processor can do decides here, never who made it.
    private static func chooseOpenBLASKernel() {
        if sk_cpu_has_avx512() != 0 {
            _ = unsafe setenv("OPENBLAS_CORETYPE", "SkylakeX", 0)
        }
    }

    private static func open(_ names: [String]) -> UnsafeMutableRawPointer? {
        for name in names {
            if let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL) { return unsafe library }
        }
        return nil
    }
}
