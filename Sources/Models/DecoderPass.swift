internal import Kernels

/// The inputs and the memory of one pass through a decoder.
struct DecoderPass {
    let tokens: [Int32]
    /// Positions of each sequence.
    let length: Int
    /// What attention lets each position see.
    let attention: Attention
    /// Each row's rotary position; empty where rows count on from the state.
    let positions: [Int32]
    let tap: (any ProjectionTap)?
    /// Takes the hidden states as they pass.
    let hiddenTap: (any HiddenStateTap)?
    /// Keys and values of earlier positions; the pass appends its own.
    let state: GenerationState?
    let workspace: DecoderWorkspace
    /// The loss of the head over chunks that fit the workspace.
    let crossEntropy: CrossEntropy
}
