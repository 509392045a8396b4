internal import SwiftProtobuf

extension SwiftProtobuf.Message {
    /// Reads a message; bytes that are not one are the sender's fault.
    init(wireBytes: [UInt8], reading structure: LibP2PError.Structure) throws(LibP2PError) {
        do {
            try self.init(serializedBytes: wireBytes)
        } catch {
            throw .malformed(structure)
        }
    }

    /// The message with its fields in ascending order.
    var wireBytes: [UInt8] {
        do {
            return try serializedBytes()
        } catch {
            // Only missing required fields and messages above 2 GiB fail; there are neither here.
            preconditionFailure("a message of our own could not be written: \(error)")
        }
    }
}
