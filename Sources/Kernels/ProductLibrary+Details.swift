internal import COneDNN
internal import Glibc

extension ProductLibrary {
    /// The functions that tell are found by name: a library may lack any of them.
    static func oneDNNDetails(_ library: UnsafeMutableRawPointer) -> Details {
        typealias Version = @convention(c) () -> UnsafePointer<dnnl_version_t>?
        typealias Kernel = @convention(c) () -> CUnsignedInt
        typealias Name = @convention(c) (CUnsignedInt) -> UnsafePointer<CChar>?
        var details = Details()
        if let symbol = unsafe dlsym(library, "dnnl_version"),
            let version = unsafe unsafeBitCast(symbol, to: Version.self)()
        {
            let numbers = unsafe version.pointee
            details.version = unsafe "\(numbers.major).\(numbers.minor).\(numbers.patch)"
        }
        if let kernel = unsafe dlsym(library, "dnnl_get_effective_cpu_isa"),
            let name = unsafe dlsym(library, "dnnl_cpu_isa2str")
        {
            let number = unsafe unsafeBitCast(kernel, to: Kernel.self)()
            details.kernel = unsafe text(unsafeBitCast(name, to: Name.self)(number))
                .map { $0.hasPrefix("cpu_isa_") ? String($0.dropFirst(8)) : $0 }
        }
        return details
    }

    /// As for oneDNN.
    static func openBLASDetails(_ library: UnsafeMutableRawPointer) -> Details {
        typealias Text = @convention(c) () -> UnsafePointer<CChar>?
        func call(_ name: String) -> String? {
            guard let symbol = unsafe dlsym(library, name) else { return nil }
            return unsafe text(unsafeBitCast(symbol, to: Text.self)())
        }
        var details = Details()
        details.kernel = call("openblas_get_corename")
        details.configuration = call("openblas_get_config")
        // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
        let words = (details.configuration ?? "").split(separator: " ")
        if words.count >= 2, words[0] == "OpenBLAS" { details.version = String(words[1]) }
        return details
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0).trimmed }
    }
}

extension String {
    /// The text without the spaces at its end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
