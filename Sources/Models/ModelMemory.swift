/// What a training pass of a model takes in memory, in bytes, by formulas that the model's buffers
/// follow.
public struct ModelMemory: Hashable, Sendable {
    /// The weights; shared by all passes.
    ///
    /// Those that are used in place count as if all of their file were resident, though the system
    /// may take the pages back; streamed ones with what a use has in memory at one time.
    public var weightByteCount: Int
    /// What layers keep and compute with; a chunk of logits shares the memory of gradients.
    public var activationByteCount: Int
    /// The scores of one block of queries per thread.
    public var attentionByteCount: Int
    /// What a tap of hidden states keeps of them and computes with; 0 without one.
    public var adapterByteCount = 0

    /// The sum.
    public var byteCount: Int {
        weightByteCount + activationByteCount + attentionByteCount + adapterByteCount
    }
}
