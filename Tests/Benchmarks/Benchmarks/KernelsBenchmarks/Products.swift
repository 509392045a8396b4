import Benchmark
import Kernels
import Tensors

/// Products with both operands in the type that they are computed in.
func productBenchmarks(_ type: ComputeType) {
    // Query, key and value; attention's output; gate and up; down.
    for (outputs, inputs) in [
        (960, hiddenSize), (hiddenSize, hiddenSize), (2 * innerSize, hiddenSize),
        (hiddenSize, innerSize),
    ] {
        Benchmark("gemm \(rowCount)x\(inputs)x\(outputs) \(type.name)") { benchmark in
            let x = Values.operand(rowCount, inputs, type: type)
            let weight = Values.operand(outputs, inputs, type: type)
            let y = Values.matrix(rowCount, outputs)
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations {
                MatrixProduct.multiplyTransposed(x, weight, into: y)
            }
            benchmark.stopMeasurement()
            blackHole(y[0, 0])
        }
    }
    Benchmark("gemm thin \(rowCount)x\(hiddenSize)x24 \(type.name)") { benchmark in
        let x = Values.operand(rowCount, hiddenSize, type: type)
        let a = Values.operand(24, hiddenSize, type: type)
        let y = Values.matrix(rowCount, 24)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { ThinProduct.multiplyTransposed(x, a, into: y) }
        benchmark.stopMeasurement()
        blackHole(y[0, 0])
    }
}

/// Products with a weight as it lies in memory, forward and for the gradient of the input.
func weightBenchmarks(_ type: ComputeType) {
    let own: FrozenWeight.Storage = type == .float32 ? .float32 : .bfloat16
    let cases: [(ElementType, FrozenWeight.Storage, String)] = [
        (.float32, own, own.rawValue), (.q4_0, .encoded, "Q4_0"), (.q4_1, .encoded, "Q4_1"),
        (.q8_0, .encoded, "Q8_0"), (.q4_K, .encoded, "Q4_K"), (.q6_K, .encoded, "Q6_K"),
    ]
    for (element, storage, name) in cases {
        // Rows of types with K are multiples of 256.
        let (outputs, inputs) = (hiddenSize, innerSize)
        let shape = "\(rowCount)x\(inputs)x\(outputs) \(type.name)"
        Benchmark("weight \(name) forward \(shape)") { benchmark in
            let weight = Values.weight(outputs, inputs, element: element, storage: storage)
            let x = Values.operand(rowCount, inputs, type: type)
            let y = Values.matrix(rowCount, outputs)
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { weight.multiplyTransposed(x, into: y) }
            benchmark.stopMeasurement()
            blackHole(y[0, 0])
        }
        Benchmark("weight \(name) backward \(shape)") { benchmark in
            let weight = Values.weight(outputs, inputs, element: element, storage: storage)
            let gy = Values.operand(rowCount, outputs, type: type)
            let gx = Values.matrix(rowCount, inputs)
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { weight.multiply(gy, into: gx) }
            benchmark.stopMeasurement()
            blackHole(gx[0, 0])
        }
    }
}

/// A chunk of the loss: its logits, and their gradient back to the hidden states.
func crossEntropyBenchmark(_ type: ComputeType) {
    let chunk = 64
    Benchmark("cross-entropy \(chunk)x\(hiddenSize)x\(vocabularySize) \(type.name)") { benchmark in
        let head = FrozenWeight(
            Values.operand(vocabularySize, hiddenSize, type: type, scale: 0.05))
        let loss = CrossEntropy(head: head, chunkRowCount: chunk)
        let hidden = Values.operand(chunk, hiddenSize, type: type)
        let gradient = Values.matrix(chunk, hiddenSize)
        let scratch = FloatBuffer(count: loss.scratchCount(rowCount: chunk))
        let targets = (0..<chunk).map { Int32($0 * 701 % vocabularySize) }
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            blackHole(
                loss.loss(
                    hidden: hidden, targets: targets, gradient: gradient, scratch: scratch))
        }
        benchmark.stopMeasurement()
    }
}

/// A weight's bytes to Float32, as when a model is loaded.
func dequantisationBenchmarks() {
    for element in ElementType.allCases {
        Benchmark("dequantise \(hiddenSize)x\(innerSize) \(element.rawValue)") { benchmark in
            let values = Values.matrix(hiddenSize, innerSize)
            let bytes = Quantizer.convert(values, elementType: element)
            let target = Values.matrix(hiddenSize, innerSize)
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations {
                unsafe bytes.withUnsafeBytes { bytes in
                    unsafe Dequantizer.convert(bytes, elementType: element, into: target)
                }
            }
            benchmark.stopMeasurement()
            blackHole(target[0, 0])
        }
    }
}
