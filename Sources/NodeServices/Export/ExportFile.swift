internal import Foundation

/// What is written as `starling.json`.
protocol ExportFile: Encodable {}

extension ExportFile {
    /// The file's bytes: the same for equal values.
    var json: [UInt8] {
        get throws(NodeError) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            do {
                return [UInt8](try encoder.encode(self)) + [0x0A]
            } catch {
                throw NodeError(.storage, "The certificate can't be written.", cause: error)
            }
        }
    }
}
