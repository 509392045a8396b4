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
    static let portable = ProductLibrary(name: "portable") { call, a, b, c in
        unsafe sk_sgemm(
            call.transposesA ? 1 : 0, call.transposesB ? 1 : 0, c.rowCount, c.columnCount,
            call.depth(of: a), call.scale,
            a.base, a.stride, b.base, b.stride, call.adds ? 1 : 0, c.base, c.stride
        )
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
        return ProductLibrary(name: "oneDNN") { call, a, b, c in
            setThreads?(1)
            let plain = CChar(UInt8(ascii: "N"))
            let transposed = CChar(UInt8(ascii: "T"))
            let status = unsafe sgemm(
                call.transposesA ? transposed : plain, call.transposesB ? transposed : plain,
                dnnl_dim_t(c.rowCount), dnnl_dim_t(c.columnCount), dnnl_dim_t(call.depth(of: a)),
                call.scale,
                a.base, dnnl_dim_t(a.stride), b.base, dnnl_dim_t(b.stride), call.adds ? 1 : 0,
                c.base, dnnl_dim_t(c.stride)
            )
            // Its codes other than success mean wrong arguments or no memory.
            precondition(status == dnnl_success, "dnnl_sgemm returned \(status)")
        }
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
        return ProductLibrary(name: "OpenBLAS") { call, a, b, c in
            unsafe sgemm(
                CblasRowMajor, call.transposesA ? CblasTrans : CblasNoTrans,
                call.transposesB ? CblasTrans : CblasNoTrans,
                blasint(c.rowCount), blasint(c.columnCount), blasint(call.depth(of: a)), call.scale,
                a.base, blasint(a.stride), b.base, blasint(b.stride), call.adds ? 1 : 0,
                c.base, blasint(c.stride)
            )
        }
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
