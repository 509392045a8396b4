import Benchmark
import Kernels

/// What works on rows by themselves.
func rowBenchmarks(_ type: ComputeType) {
    let shape = "\(rowCount)x\(hiddenSize) \(type.name)"
    Benchmark("rmsnorm forward \(shape)") { benchmark in
        let x = Values.operand(rowCount, hiddenSize, type: type)
        let y = Values.operand(rowCount, hiddenSize, type: type)
        let weight = Values.matrix(1, hiddenSize)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            RMSNorm.forward(x, weight: weight, epsilon: 1e-5, into: y)
        }
        benchmark.stopMeasurement()
        blackHole(y)
    }
    Benchmark("rmsnorm backward \(shape)") { benchmark in
        let x = Values.operand(rowCount, hiddenSize, type: type)
        let weight = Values.matrix(1, hiddenSize)
        let gy = Values.matrix(rowCount, hiddenSize, scale: 1e-6)
        let gx = Values.matrix(rowCount, hiddenSize)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            RMSNorm.backward(x, weight: weight, epsilon: 1e-5, outputGradient: gy, addingTo: gx)
        }
        benchmark.stopMeasurement()
        blackHole(gx[0, 0])
    }
    Benchmark("swiglu forward \(rowCount)x\(innerSize) \(type.name)") { benchmark in
        let gateUp = Values.operand(rowCount, 2 * innerSize, type: type)
        let h = Values.operand(rowCount, innerSize, type: type)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { SwiGLU.forward(gateUp: gateUp, into: h) }
        benchmark.stopMeasurement()
        blackHole(h)
    }
    Benchmark("swiglu backward \(rowCount)x\(innerSize) \(type.name)") { benchmark in
        let gateUp = Values.operand(rowCount, 2 * innerSize, type: type)
        let gradient = Values.operand(rowCount, 2 * innerSize, type: type)
        let gh = Values.matrix(rowCount, innerSize)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            SwiGLU.backward(gateUp: gateUp, outputGradient: gh, into: gradient)
        }
        benchmark.stopMeasurement()
        blackHole(gradient)
    }
}

/// Causal attention of 9 query and 3 key/value heads of 64 channels.
func attentionBenchmarks(_ type: ComputeType) {
    for (sequences, length) in [(1, 512), (4, 256)] {
        let shape = "\(sequences)x\(length)x9x64 \(type.name)"
        Benchmark("attention forward \(shape)") { benchmark in
            let call = AttentionCall(sequences: sequences, length: length, type: type)
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { call.forward() }
            benchmark.stopMeasurement()
            blackHole(call.o)
        }
        Benchmark("attention backward \(shape)") { benchmark in
            let call = AttentionCall(sequences: sequences, length: length, type: type)
            call.forward()
            benchmark.startMeasurement()
            for _ in benchmark.scaledIterations { call.backward() }
            benchmark.stopMeasurement()
            blackHole(call.gradients.q[0, 0])
        }
    }
}

/// The inputs and results of one attention.
private struct AttentionCall {
    let attention: Attention
    let q, k, v, o, go: Operand
    let logSumExp, headGradients: Matrix
    let gradients: (q: Matrix, k: Matrix, v: Matrix)
    let scratch: FloatBuffer

    init(sequences: Int, length: Int, type: ComputeType) {
        let (heads, groups, width) = (9, 3, 64)
        let rows = sequences * length
        attention = Attention(
            visible: VisibleKeys(sequenceCount: sequences, queryCount: length),
            headCount: heads, keyValueHeadCount: groups, headDimension: width)
        q = Values.operand(rows, heads * width, type: type)
        k = Values.operand(rows, groups * width, type: type)
        v = Values.operand(rows, groups * width, type: type)
        o = Values.operand(rows, heads * width, type: type)
        go = Values.operand(rows, heads * width, type: type)
        logSumExp = Values.matrix(rows, heads)
        headGradients = Values.matrix(2 * rows, heads * width)
        gradients = (
            q: Values.matrix(rows, heads * width), k: Values.matrix(rows, groups * width),
            v: Values.matrix(rows, groups * width)
        )
        scratch = FloatBuffer(count: attention.scratchCount)
    }

    func forward() {
        attention.forward(
            q: q, k: k, v: v, into: o, logSumExp: logSumExp, scratch: scratch)
    }

    func backward() {
        attention.backward(
            inputs: (q: q, k: k, v: v), o: o, logSumExp: logSumExp, outputGradient: go,
            gradients: gradients, headGradients: headGradients, scratch: scratch)
    }
}
