internal import Federation
internal import Synchronization

/// What is wrong with an update.
enum UpdateLie: String, CaseIterable {
    /// Every number is a thousand times what training came to.
    case scaled
    /// Every word is the bit pattern of a Float that is no number.
    case notANumber
    /// The tensors have names that the adapter has not.
    case unknownTensor
    /// The second half is missing.
    case truncated
    /// It is a megabyte longer than the manifest allows.
    case tooLong
    /// It is the first round's, again and again.
    case replayed
}

/// Tells one lie in every round.
final class UpdateLiar: Sendable {
    private let lie: UpdateLie
    private let first = Mutex<[UInt8]?>(nil)

    init(lie: UpdateLie) {
        self.lie = lie
    }

    func alter(_ bytes: [UInt8]) -> [UInt8] {
        switch lie {
        case .scaled: return changed(bytes) { $0.map { $0 &* 1_000 } }
        case .notANumber:
            return changed(bytes) { $0.map { _ in Float.nan.bitPattern } }
        case .unknownTensor:
            // As long as the right ones, so that nothing else is wrong.
            return changed(bytes, name: { String($0.dropLast()) + "?" }) { $0 }
        case .truncated: return Array(bytes.prefix(bytes.count / 2))
        case .tooLong: return bytes + [UInt8](repeating: 0, count: 1 << 20)
        case .replayed:
            return first.withLock { kept in
                let chosen = kept ?? bytes
                kept = chosen
                return chosen
            }
        }
    }

    /// The update with other words; of a federation whose updates are ring integers.
    private func changed(
        _ bytes: [UInt8], name: (String) -> String = { $0 }, _ change: ([UInt32]) -> [UInt32]
    ) -> [UInt8] {
        guard let update = try? AdapterUpdateCodec.decode(bytes, byteCountMax: bytes.count) else {
            preconditionFailure("an own update of \(bytes.count) bytes is malformed")
        }
        return AdapterUpdateCodec.encode(
            AdapterUpdate(
                manifestDigest: update.manifestDigest, round: update.round,
                baseAdapterDigest: update.baseAdapterDigest, member: update.member,
                exampleCount: update.exampleCount, stepCount: update.stepCount,
                tensors: update.tensors.map { tensor in
                    AdapterUpdate.RingTensor(
                        name: name(tensor.name), shape: tensor.shape, weight: tensor.weight,
                        words: change(tensor.words))
                }))
    }
}
