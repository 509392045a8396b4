/// How a trainer finds out where to move, and what it remembers of earlier steps.
public enum OptimizerKind: String, Hashable, Sendable, CaseIterable {
    /// Gradients by a backward pass, and two moments: see ``AdamW``.
    case adamW = "adamw"
    /// Two forward passes and no gradients: see ``MeZO``.
    case mezo
}
