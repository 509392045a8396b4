internal import Kernels

/// What this machine computes with, as facts; ``DoctorCommand`` finds them.
struct Diagnosis {
    /// A library for matrix products.
    struct Library: Hashable {
        let name: String
        let details: ProductLibrary.Details
        /// Empty where nothing was measured.
        var speeds: [ProductTrial.Speed] = []
    }

    let machine: Machine
    /// The threads that products were measured with, and that a command would take.
    let threadCount: Int
    /// The libraries that are present, the preferred one first.
    let libraries: [Library]
    /// The name of the one that computes.
    let libraryInUse: String
    /// What products read unless told otherwise.
    let computeType: ComputeType
    /// The loops' instruction set and the threads.
    let kernels: String
    /// What `OPENBLAS_CORETYPE` was before this program set it.
    let userCoreType: String?
    /// What OpenBLAS was told in the end.
    let coreType: String?
    /// Names and releases of other libraries.
    let versions: [(name: String, version: String)]

    /// The fastest figure of any library: no product is faster here.
    func limit(type: ComputeType, threadCount: Int) -> Double? {
        libraries.flatMap(\.speeds)
            .filter { $0.type == type && $0.threadCount == threadCount }
            .map(\.both).max()
    }

    /// A library's figure as a share of the limit.
    func share(_ speed: ProductTrial.Speed) -> Double {
        guard let limit = limit(type: speed.type, threadCount: speed.threadCount), limit > 0
        else { return 0 }
        return speed.both / limit
    }

    func library(named name: String) -> Library? { libraries.first { $0.name == name } }
}
