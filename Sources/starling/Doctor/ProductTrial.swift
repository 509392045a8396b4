internal import Kernels

/// Measures products of the size that a training step has.
///
/// Shape: [512, 576] x [1536, 576]^T → [512, 1536] forward and [512, 1536] x [1536, 576] →
/// [512, 576] backward: the gate of SmolLM2-135M for 512 positions.
struct ProductTrial {
    /// What a library reached, in 10^9 floating-point operations a second.
    struct Speed: Hashable {
        /// What products read.
        let type: ComputeType
        /// How many threads computed.
        let threadCount: Int
        /// Rows times a weight transposed.
        let forward: Double
        /// Gradients times the weight.
        let backward: Double

        /// Both forms one after the other.
        var both: Double { 2 / (1 / forward + 1 / backward) }
    }

    private static let (rows, outputs, inputs) = (512, 1_536, 576)
    private static let operationCount = Double(2 * rows * outputs * inputs)
    /// A form is computed for so long, and at least so many times; the best counts.
    private static let (duration, countMin) = (Duration.milliseconds(120), 3)

    private let type: ComputeType
    private let input, weight, outputGradient: Operand
    private let output, inputGradient: Matrix

    /// Makes operands of small numbers of either sign.
    init(type: ComputeType) {
        self.type = type
        func matrix(_ rowCount: Int, _ columnCount: Int) -> Matrix {
            let room = FloatBuffer.room(rows: rowCount, columns: columnCount)
            let matrix = FloatBuffer(count: room).take(rows: rowCount, columns: columnCount)
            matrix.copy(from: (0..<rowCount * columnCount).map { Float($0 % 13 - 6) / 8 })
            return matrix
        }
        func operand(_ rowCount: Int, _ columnCount: Int) -> Operand {
            let room = FloatBuffer.room(rows: rowCount, columns: columnCount, type: type)
            let operand = FloatBuffer(count: room)
                .take(rows: rowCount, columns: columnCount, type: type)
            operand.store(matrix(rowCount, columnCount))
            return operand
        }
        input = operand(Self.rows, Self.inputs)
        weight = operand(Self.outputs, Self.inputs)
        outputGradient = operand(Self.rows, Self.outputs)
        output = matrix(Self.rows, Self.outputs)
        inputGradient = matrix(Self.rows, Self.inputs)
    }

    /// Measures a library.
    func speed(of library: ProductLibrary, threadCount: Int) -> Speed {
        var speed = (forward: 0.0, backward: 0.0)
        ComputeThreads.with(count: threadCount) {
            speed.forward = Self.best(over: Self.outputs) { columns in
                library.run(
                    Product(transposesB: true), input, weight.rows(columns),
                    output.columns(columns))
            }
            speed.backward = Self.best(over: Self.inputs) { columns in
                library.run(
                    Product(), outputGradient, weight.columns(columns),
                    inputGradient.columns(columns))
            }
        }
        return Speed(
            type: type, threadCount: threadCount, forward: speed.forward,
            backward: speed.backward)
    }

    /// The speed of the fastest of several calls; each splits the columns over the threads, as
    /// training does.
    private static func best(
        over columnCount: Int, _ body: (Range<Int>) -> Void
    ) -> Double {
        let clock = ContinuousClock()
        let vectors = columnCount / 16
        let parts = min(ComputeThreads.count, vectors)
        func compute() {
            ComputeThreads.run(taskCount: parts) { part, _ in
                body(16 * (vectors * part / parts)..<16 * (vectors * (part + 1) / parts))
            }
        }
        // Libraries make room and kernels on their first call.
        compute()
        var best = Duration.seconds(3_600)
        var count = 0
        let end = clock.now + duration
        while count < countMin || clock.now < end {
            best = min(best, clock.measure(compute))
            count += 1
        }
        return operationCount / max(best / .seconds(1), 1e-9) / 1e9
    }
}

extension ProductLibrary {
    /// One product on the calling thread; both operands have the same type.
    fileprivate func run(_ product: Product, _ a: Operand, _ b: Operand, _ c: Matrix) {
        switch (a, b) {
        case (.float32(let a), .float32(let b)): multiply(product, a, b, c)
        case (.bfloat16(let a), .bfloat16(let b)): multiplyBFloat16(product, a, b, c)
        default: preconditionFailure("a product of \(a.type) and \(b.type)")
        }
    }
}
