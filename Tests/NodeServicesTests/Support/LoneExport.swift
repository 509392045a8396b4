import Checkpoints
import Cryptography
import Federation
import Foundation
import Tensors

@testable import NodeServices

/// An export of a ``LoneFederation``, made once and spoilt by tests in copies.
struct LoneExport {
    let federation: LoneFederation
    let folder: String
    private let root: URL

    /// Certifies rounds and exports the last one.
    init(
        _ settings: Manifest.AggregationSettings = .spectral, rounds: UInt64 = 2
    ) async throws {
        federation = try await LoneFederation(settings)
        try await federation.opened().setSetting(
            SettingKey.identity, federation.manifest.manifest.author.bytes)
        for round in 1...rounds {
            try await federation.certify(federation.train(round, seed: round))
        }
        root = federation.home.folder.appending(path: "exports")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        folder = root.appending(path: "adapter").path
        try await write(to: folder)
    }

    /// Writes the export as the command does.
    func write(to path: String) async throws {
        let store = try await federation.opened()
        let state = try ConsensusState(
            bytes: try await store.requiredObject(federation.base), layout: federation.layout)
        guard let height = try await store.entries().last?.height else { return }
        var files: [String: [UInt8]] = [:]
        files[ExportWriter.documentName] =
            try await ExportWriter(store: store, manifest: federation.manifest)
            .document(height: height).json
        files[ExportWriter.restName] = ExportWriter.rest(of: state.tensors, beside: state.adapter)
        try PEFTFolder.write(
            PEFTAdapter(
                rank: 4, alpha: 8, usesRSLoRA: false, targetModules: ["q_proj"],
                tensors: state.adapter, baseModelName: nil),
            to: path, extraFiles: files)
    }

    /// A copy of the export with one file changed.
    func spoilt(
        _ file: String = ExportWriter.documentName, _ change: (inout [UInt8]) throws -> Void
    ) throws -> String {
        let copy = root.appending(path: UUID().uuidString)
        try FileManager.default.copyItem(atPath: folder, toPath: copy.path)
        let url = copy.appending(path: file)
        var bytes = [UInt8](try Data(contentsOf: url))
        try change(&bytes)
        try Data(bytes).write(to: url)
        return copy.path
    }

    /// A copy of the export with a member of the document's JSON changed.
    func spoilt(json change: (inout [String: Any]) throws -> Void) throws -> String {
        try spoilt { bytes in
            guard
                var object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            else { throw LoneFederation.Broken() }
            try change(&object)
            bytes = [UInt8](try JSONSerialization.data(withJSONObject: object))
        }
    }
}
