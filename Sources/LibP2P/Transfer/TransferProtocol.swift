internal import Cryptography

/// The numbers of object transfer that both ends must hold equal.
///
/// Source: docs/protocol/transfer.md.
public enum TransferProtocol {
    /// The protocol id that a stream negotiates.
    public static let id = "/starling/transfer/1.0.0"

    /// The bytes of every chunk but the last: yamux's initial window.
    public static let chunkByteCount = ContentAddress.chunkByteCount

    /// The greatest number of chunks of one object, 1 GiB in all: a flat list of chunk ids stays
    /// at 128 KiB and fits one frame.
    public static let chunkCountMax = 4096

    /// The greatest frame without its length prefix: one chunk and 8 KiB for everything else.
    public static let frameByteCountMax = 270_336

    /// The most chunks that a fetcher has asked one provider for and not received: 4 MiB, which
    /// fills a link of 320 Mbit/s with 100 ms of round trip.
    public static let outstandingChunkCountMax = 16

    /// The same before the provider's rate is known: 1 MiB, two seconds of a link of 4 Mbit/s.
    public static let outstandingChunkCountFirst = 4

    /// The number of chunks that an object of so many bytes is cut into.
    static func chunkCount(byteCount: Int) -> Int {
        byteCount / chunkByteCount + (byteCount % chunkByteCount == 0 ? 0 : 1)
    }
}
