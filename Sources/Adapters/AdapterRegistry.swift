public import Checkpoints

/// The adapter methods by their names in files.
public struct AdapterRegistry: Sendable {
    /// How a method reads a folder's contents.
    public typealias Reader =
        @Sendable (SavedAdapter, ModelConfiguration) throws(AdapterError) -> any TrainableAdapter

    /// Every method of this package, one line each.
    public static let standard = AdapterRegistry([
        LoRAAdapter.methodName: { saved, model throws(AdapterError) in
            guard case .lora(let peft) = saved else { throw .unknownMethod(name: saved.methodName) }
            return try LoRAAdapter(peft: peft, model: model)
        },
        READAdapter.methodName: { saved, model throws(AdapterError) in
            guard case .read(let files) = saved else {
                throw .unknownMethod(name: saved.methodName)
            }
            return try READAdapter(files: files, model: model)
        },
    ])

    private let readers: [String: Reader]

    /// Makes a table; a test passes its own.
    public init(_ readers: [String: Reader]) {
        self.readers = readers
    }

    /// The names in ascending order.
    public var methodNames: [String] { readers.keys.sorted() }

    /// Makes an adapter from its files' contents.
    ///
    /// - Throws: `AdapterError`, when the method is unknown or the contents don't fit the model.
    public func makeAdapter(
        _ saved: SavedAdapter,
        model: ModelConfiguration
    ) throws(AdapterError) -> any TrainableAdapter {
        let name = saved.methodName
        guard let reader = readers[name] else { throw .unknownMethod(name: name) }
        return try reader(saved, model)
    }
}
