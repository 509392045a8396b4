internal import Kernels
internal import Models

/// What an adapter drops of its inputs while one batch passes it.
///
/// It stands only during ``AdaptedModel/accumulateGradients(_:normalizer:dropout:)``. With
/// D = ``mask(layer:site:)`` the forward pass keeps s D(x) A^T as the state, and the backward pass
/// takes D(x) for x: gA += gu^T D(x), gx += D(gu A). The states' rows are those of the batch, from
/// its first on, so `Dropout` needs no first row.
///
/// Source: PEFT's `lora_dropout`.
///
/// ### Deviations
/// The projections of one site share their input's mask; PEFT draws one for each.
struct LoRADropout {
    let plan: DropoutPlan
    let sequenceLength: Int

    func mask(layer: Int, site: ProjectionSite) -> DropoutMask {
        DropoutMask(plan, layer: layer, site: site.rawValue, sequenceLength: sequenceLength)
    }
}
