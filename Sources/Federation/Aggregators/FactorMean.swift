internal import Cryptography
public import Tensors

/// The mean of the low-rank factors, each on its own, weighted by examples.
///
/// Tolerates no liar beyond the norm bound: a member moves the mean by at most its share of the
/// weight times that bound. Claims: order does not matter; equal updates give that update.
///
/// Sums are exact in the ring of 2^32. Per element, new = old + (s / sum of w) * (W * 2^-f) in
/// Double with one rounding to Float at the end. A tensor that nobody holds stays as it is.
///
/// Source: Zhang et al., "Towards Building the Federated GPT: Federated Instruction Tuning"
/// (FedIT), averaging of LoRA factors.
///
/// ### Deviations
/// Each tensor is weighted over those members that hold it; the source weights all alike.
public struct FactorMean: Aggregator {
    /// The name in the registry.
    public static let name = "factor-mean"

    private struct Sum {
        let entry: AdapterLayout.Entry
        var weight: UInt64 = 0
        var words: [UInt32]
    }

    private let manifest: Manifest
    private let layout: AdapterLayout
    private var sums: [Sum]

    /// Starts with sums of zero.
    public init(manifest: Manifest, layout: AdapterLayout) {
        self.manifest = manifest
        self.layout = layout
        sums = layout.entries.map {
            Sum(entry: $0, words: [UInt32](repeating: 0, count: $0.shape.elementCount))
        }
    }

    /// Adds an update's words modulo 2^32 and its weights.
    ///
    /// - Complexity: O(elements).
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try UpdateInspector.check(update, manifest: manifest, layout: layout)
        var index = 0
        for tensor in update.tensors {
            // Both lists ascend by name, and the inspector found every name in the layout.
            while sums[index].entry.name != tensor.name { index += 1 }
            sums[index].weight += UInt64(tensor.weight)
            for element in tensor.words.indices {
                sums[index].words[element] &+= tensor.words[element]
            }
        }
    }

    /// Divides by the weights and adds to the base.
    ///
    /// - Complexity: O(elements).
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        guard AdapterLayout(of: base) == layout else { throw .updateShapeMismatch }
        // A power of two, so that the product with it is exact.
        let unit =
            Double(manifest.ring.weightUnit) / Double(1 << manifest.ring.fractionBitCount)
        var elements: [NamedTensors.Element] = []
        for (element, sum) in zip(base.elements, sums) {
            guard sum.weight > 0 else {
                elements.append(element)
                continue
            }
            let weight = Double(sum.weight)
            var values: [Float] = []
            values.reserveCapacity(sum.words.count)
            for (old, word) in zip(element.tensor.values, sum.words) {
                let mean = (Double(Int32(bitPattern: word)) / weight) * unit
                let value = Float(Double(old) + mean)
                guard value.isFinite else { throw .updateNonFinite }
                values.append(value)
            }
            elements.append(
                NamedTensors.Element(
                    name: element.name,
                    tensor: FloatTensor(shape: sum.entry.shape, values: values)))
        }
        return Aggregate(sumDigest: sumDigest, adapter: NamedTensors(elements))
    }

    /// BLAKE2b-256 over `"starling/sum/1\0"` and per tensor its name, weight sum and words.
    private var sumDigest: Digest {
        var hasher = BLAKE2bHasher()
        var head = CanonicalWriter(domain: "starling/sum/1")
        head.write(count: sums.count)
        hasher.update(head.bytes)
        for sum in sums {
            var writer = CanonicalWriter()
            writer.write(sum.entry.name)
            writer.write(sum.weight)
            writer.write(count: sum.words.count)
            writer.write(littleEndianWords: sum.words)
            hasher.update(writer.bytes)
        }
        return hasher.finalize()
    }
}
