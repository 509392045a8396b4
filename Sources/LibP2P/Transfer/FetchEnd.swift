/// Why nothing more is to be had from a provider on this stream.
public enum FetchEnd: Hashable, Sendable {
    /// Every chunk is held.
    case complete
    /// The provider asks to come back later.
    case busy(retryMilliseconds: Int)
    /// The provider does not serve the object.
    case gone
    /// The provider holds none of the chunks that are still missing.
    case exhausted(missingCount: Int)
    /// The object itself is not acceptable; no other provider can change that.
    case objectRefused(ObjectManifestError)
    /// The provider broke the rules and is not to be asked for this object again.
    case providerFault(ProviderFault)
}

/// How a provider broke the rules of the transfer.
public enum ProviderFault: Error, Hashable, Sendable {
    /// The manifest is not that of the object.
    case wrongManifest
    /// The chunk does not hash to its id.
    case wrongChunk(Int)
    /// A chunk, or a word about one, that was not asked for.
    case unaskedChunk(Int)
    /// The bitmap has another length than the object.
    case wrongBitmap
    /// Bitmap after bitmap and no chunk.
    case tooManyHaves
    /// A frame that has no place here.
    case unexpectedFrame
    /// Bytes that are no frame.
    case malformedFrame(TransferFrameError)
}
