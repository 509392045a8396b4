public import Checkpoints

/// The adapter methods by their `peft_type`.
public struct AdapterRegistry: Sendable {
    /// How a method reads a PEFT folder's contents.
    public typealias Reader =
        @Sendable (PEFTAdapter, ModelConfiguration) throws(AdapterError) -> LoRAAdapter

    /// Every method of this package, one line each.
    public static let standard = AdapterRegistry([
        LoRAAdapter.methodName: { peft, model throws(AdapterError) in
            try LoRAAdapter(peft: peft, model: model)
        }
    ])

    private let readers: [String: Reader]

    /// Makes a table; a test passes its own.
    public init(_ readers: [String: Reader]) {
        self.readers = readers
    }

    /// The `peft_type`s in ascending order.
    public var methodNames: [String] { readers.keys.sorted() }

    /// Makes an adapter of a method from its files' contents.
    ///
    /// - Throws: `AdapterError`, when the method is unknown or the contents don't fit the model.
    public func makeAdapter(
        method: String,
        peft: PEFTAdapter,
        model: ModelConfiguration
    ) throws(AdapterError) -> LoRAAdapter {
        guard let reader = readers[method] else { throw .unknownMethod(name: method) }
        return try reader(peft, model)
    }
}
