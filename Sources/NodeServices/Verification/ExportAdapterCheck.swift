internal import Adapters
internal import Checkpoints
internal import Cryptography
internal import Federation
internal import Kernels
internal import Tensors

/// Checks that the adapter in an export is the certified one.
struct ExportAdapterCheck {
    let folder: String
    let manifest: Manifest
    /// The certified digest.
    let digest: Digest

    /// Reads the adapter, puts the certified state together and compares.
    ///
    /// - Throws: ``NodeError``: `verificationFailed`, or `storage` where a file can't be read.
    /// - Returns: false where the folder holds a model and no adapter.
    func run() throws(NodeError) -> Bool {
        let tensors: NamedTensors
        do {
            if try holds(PEFTFolder.fileNames) {
                tensors = try lora()
            } else if try holds(READFolder.fileNames) {
                tensors = try read()
            } else {
                return false
            }
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .verificationFailed, "The exported adapter can't be read.", cause: error)
        }
        let state = AdapterStateCodec.encode(
            NamedTensors(tensors.elements + (try rest(beside: tensors))))
        let found = ContentAddress.id(of: state)
        guard found == digest else {
            throw ExportVerification.refused(
                "the adapter's bytes have the digest \(found), but \(digest) was certified")
        }
        return true
    }

    private func holds(_ names: [String]) throws(CheckpointError) -> Bool {
        for name in names
        where try FileSystem.kind(of: FileSystem.join(folder, name)) != .plainFile {
            return false
        }
        return true
    }

    private func lora() throws -> NamedTensors {
        let found = try PEFTFolder.read(path: folder)
        let expected = manifest.adapter
        guard found.rank == expected.rank, found.alpha == expected.alpha,
            found.usesRSLoRA == expected.usesRankStabilization, found.layers == nil,
            Set(found.targetModules) == Set(expected.targets)
        else {
            throw ExportVerification.refused(
                "rank, alpha, projections or layers of the adapter are not the manifest's")
        }
        return found.tensors
    }

    private func read() throws -> NamedTensors {
        let found = try READFolder.read(path: folder)
        guard let expected = manifest.readConfiguration, found.cell == expected.cell.rawValue,
            found.aggregation == expected.aggregation.rawValue,
            found.stateSize == expected.stateSize, found.inputScale == expected.inputScale,
            found.outputScale == expected.outputScale,
            found.adaptedLayers == expected.adaptedLayers,
            found.startsFromEmbedding == expected.startsFromEmbedding
        else {
            throw ExportVerification.refused("the settings of READ are not the manifest's")
        }
        return found.tensors
    }

    /// The tensors of the certified state that the adapter's own file lacks.
    private func rest(
        beside tensors: NamedTensors
    ) throws(NodeError) -> [NamedTensors.Element] {
        do {
            guard try holds([ExportWriter.restName]) else { return [] }
            // The state is at most an update's elements in the longest form, twice with momentum.
            let bytes = try FileSystem.read(
                FileSystem.join(folder, ExportWriter.restName), byteCountMax: 1 << 32)
            let rest = try AdapterStateCodec.decode(bytes)
            guard rest.elements.allSatisfy({ tensors[$0.name] == nil }) else {
                throw ExportVerification.refused(
                    "\(ExportWriter.restName) holds a tensor of the adapter again")
            }
            return rest.elements
        } catch let error as NodeError {
            throw error
        } catch {
            throw ExportVerification.refused(
                "\(ExportWriter.restName) can't be read: \(error)")
        }
    }
}
