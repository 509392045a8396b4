internal import Adapters
internal import Checkpoints
internal import Federation
internal import Tensors

/// The adapter that a federation begins with: drawn from the manifest's seed, so that every node
/// has the same one without a byte sent.
struct InitialAdapter {
    /// Its tensors under PEFT's names.
    let tensors: NamedTensors

    /// Draws the adapter.
    init(configuration: LoRAConfiguration, model: ModelConfiguration, seed: UInt64) {
        tensors = LoRAAdapter(configuration: configuration, model: model, seed: seed).parameters
    }

    /// Its canonical bytes.
    var bytes: [UInt8] { AdapterStateCodec.encode(tensors) }
}
