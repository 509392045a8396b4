internal import Checkpoints
internal import Kernels

extension RopeScaling {
    /// What plain rotary frequencies become.
    ///
    /// Arithmetic is Float32 in the order of `transformers`, whose angles this shall have at large
    /// positions too.
    func scale(_ frequencies: [Float]) -> [Float] {
        switch self {
        case .linear(let factor):
            frequencies.map { $0 / factor }
        case .divisors(let divisors):
            zip(frequencies, divisors).map { $0 / $1 }
        case .llama3(let factor, let low, let high, let originalPositionCount):
            frequencies.map { frequency in
                // The turns that a pair makes within the positions of the first training decide.
                let wavelength = 2 * Float.pi / frequency
                let positions = Float(originalPositionCount)
                if wavelength < positions / high { return frequency }
                if wavelength > positions / low { return frequency / factor }
                let share = (positions / wavelength - low) / (high - low)
                return (1 - share) * frequency / factor + share * frequency
            }
        }
    }
}

extension RotaryEmbedding {
    /// Makes an empty table for the heads of a model, with its scaling.
    convenience init(_ configuration: ModelConfiguration) {
        let plain = Self.frequencies(
            headDimension: configuration.headDimension,
            theta: configuration.ropeTheta
        )
        self.init(
            headDimension: configuration.headDimension,
            frequencies: configuration.ropeScaling?.scale(plain) ?? plain
        )
    }
}
