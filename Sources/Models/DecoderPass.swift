/// The inputs and the memory of one pass through a decoder.
struct DecoderPass {
    let tokens: [Int32]
    let sequenceCount: Int
    let length: Int
    let tap: (any ProjectionTap)?
    /// Keys and values of earlier positions; the pass appends its own.
    let state: GenerationState?
    let workspace: DecoderWorkspace
}
