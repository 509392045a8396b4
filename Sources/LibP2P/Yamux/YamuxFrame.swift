/// A frame to be sent: its header, and for data frames the bytes behind it.
public struct YamuxFrame: Hashable, Sendable {
    /// The header; for data frames its length equals the payload's count.
    public var header: YamuxHeader
    /// The bytes behind the header; they share the storage of what was written to the stream.
    public var payload: ArraySlice<UInt8>

    /// Makes a frame.
    public init(header: YamuxHeader, payload: ArraySlice<UInt8> = []) {
        self.header = header
        self.payload = payload
    }

    /// Header and payload together.
    public var bytes: [UInt8] {
        header.bytes + payload
    }
}
