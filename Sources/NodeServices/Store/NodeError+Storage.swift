internal import Storage

extension NodeError {
    /// Puts a failure of the store into words: what, where, and how to mend it.
    init(storage error: StorageError) {
        let code: Code = if case .missing = error { .notFound } else { .storage }
        self.init(code, Self.text(of: error))
    }

    private static func text(of error: StorageError) -> String {
        switch error {
        case .missing(let path):
            "There is no node at \(path); make one with 'starling init' or 'starling run --join'."
        case .inUse(let path, let processID):
            "The store at \(path) is in use"
                + (processID.map { " by process \($0)" } ?? "") + "; stop that node first."
        case .diskFull(let path, _, _):
            "The disk of \(path) is full; free space and start again, nothing is lost."
        case .notWritable(let path, _, _):
            "\(path) can't be written; make it writable for this user."
        case .corrupt(let path, _, _):
            "The store at \(path) is damaged; move it away and let the node fetch its state anew."
        case .formatUnknown(let path, let found, let supported):
            "The store at \(path) has layout \(found), this program knows \(supported); update it."
        case .mapFull(let path, let byteCount, _), .addressSpaceExhausted(let path, let byteCount):
            "The store at \(path) can't map more than \(byteCount) bytes; raise 'ulimit -v'."
        default:
            "The store failed: \(error) (\(error.repair))."
        }
    }
}
