public import Tensors

/// The names and shapes that the adapter of a federation has, in ascending order of the names'
/// UTF-8 bytes.
public struct AdapterLayout: Hashable, Sendable {
    /// One tensor's place.
    public struct Entry: Hashable, Sendable {
        /// The tensor's name.
        public let name: String
        /// Its extents.
        public let shape: Shape
    }

    /// The entries in order.
    public let entries: [Entry]
    private let indices: [String: Int]

    /// The layout of an adapter.
    public init(of tensors: NamedTensors) {
        self.init(
            entries: tensors.elements.map { Entry(name: $0.name, shape: $0.tensor.shape) })
    }

    /// The layout of an adapter that nobody has allocated yet.
    public init(shapes: [String: Shape]) {
        self.init(
            entries: shapes.map { Entry(name: $0.key, shape: $0.value) }
                .sorted { NamedTensors.precedes($0.name, $1.name) })
    }

    init(entries: [Entry]) {
        self.entries = entries
        indices = Dictionary(
            uniqueKeysWithValues: entries.enumerated().map { ($0.element.name, $0.offset) })
    }

    /// The number of elements of all tensors.
    public var elementCount: Int { entries.reduce(0) { $0 + $1.shape.elementCount } }

    /// The place of the tensor of that name; `nil` if there is none.
    func index(of name: String) -> Int? { indices[name] }

    /// The shape of the tensor of that name; `nil` if there is none.
    public func shape(of name: String) -> Shape? {
        indices[name].map { entries[$0].shape }
    }

    /// The bytes of an update object of the first layout that holds every tensor: what the
    /// `updateByteCountMax` of a manifest of version 1 has to allow.
    public var updateByteCount: Int {
        entries.reduce(AdapterUpdateCodec.headerByteCount) { sum, entry in
            sum + 4 + entry.name.utf8.count + 4 + 4 * entry.shape.extents.count + 4
                + 4 * entry.shape.elementCount
        }
    }

    /// The most bytes of an update object under these settings: what a manifest's
    /// `updateByteCountMax` has to allow.
    public func updateByteCount(
        under settings: Manifest.AggregationSettings, read: Manifest.READSettings? = nil
    ) -> Int {
        guard Manifest.version(settings, read) != Manifest.firstVersion else {
            return updateByteCount
        }
        if let robustness = settings.robustness, robustness.groupMemberCount > 0 {
            return groupSumByteCount
        }
        let pairing = AdapterPairing(of: self)
        var count = AdapterUpdateCodec.headerByteCount + 4
        for (index, entry) in entries.enumerated() {
            let role = pairing.role(of: index)
            let rank = role?.pair.rank ?? 1
            count += 4 + entry.name.utf8.count + 4 + 4 * entry.shape.extents.count
            count += 1 + 4 + (role == nil ? 0 : (rank + 7) / 8) + 4 + 1
            count += settings.wireForm.byteCount(
                elementCount: entry.shape.elementCount, stepCount: rank)
        }
        return count
    }
    /// The bytes of a consensus state's object under these settings: all tensors, and their outer
    /// momentum where the manifest keeps one.
    public func stateByteCount(under settings: Manifest.AggregationSettings) -> Int {
        let prefix = OuterStep(settings).keepsMomentum ? ConsensusState.momentumPrefix : nil
        return entries.reduce(AdapterStateCodec.headerByteCount) { sum, entry in
            let count =
                8 + entry.name.utf8.count + 4 * entry.shape.extents.count
                + 4 * entry.shape.elementCount
            return sum + count + (prefix.map { count + $0.utf8.count } ?? 0)
        }
    }
}
