/// The content of one kind of message in its one encoding.
protocol SecureBody: Hashable, Sendable {
    static var kind: SecureFrame.Kind { get }
    func write(to writer: inout CanonicalWriter)
    init(reading reader: inout CanonicalReader) throws(CanonicalError)
}

extension SecureBody {
    var bytes: [UInt8] {
        var writer = CanonicalWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Reads a whole body.
    init(_ frame: SecureFrame) throws(SecureRefusal) {
        precondition(frame.kind == Self.kind, "a \(frame.kind) read as \(Self.kind)")
        do {
            var reader = CanonicalReader(frame.body)
            try self.init(reading: &reader)
            try reader.finish()
        } catch {
            throw .malformed
        }
    }
}
